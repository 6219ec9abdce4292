using System.Text;
using Sidecar.Abstractions;

namespace Sidecar.Components.PostgreSql.Tests;

/// <summary>Single writes that travel together have each their own condition and outcome.</summary>
public sealed class WriteQueueTests : IAsyncLifetime
{
    private TestDatabase _database = null!;
    private IStateStore _store = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _store = await _database.StateAsync();
    }

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    [Fact]
    public async Task Many_callers_share_transactions()
    {
        await Task.WhenAll(Enumerable.Range(0, 500).Select(i => WriteAsync($"k{i}", $"{i}")));

        Assert.Equal("500", await _database.QueryAsync("SELECT count(*) FROM state"));
        Assert.InRange(int.Parse(await _database.QueryAsync("SELECT count(DISTINCT xmin::text) FROM state")), 1, 100);
    }

    [Fact]
    public async Task A_condition_that_fails_is_that_of_one_write()
    {
        await WriteAsync("a", "1");
        var etag = (await _store.GetAsync("a", default))!.ETag;
        await WriteAsync("a", "2");

        var stale = new StateWrite("a", "3"u8.ToArray(), etag);
        var writes = Enumerable.Range(0, 100).Select(i => i % 10 == 0
            ? OutcomeAsync(_store.WriteAsync(stale, default))
            : OutcomeAsync(_store.WriteAsync(new StateWrite($"k{i}", "1"u8.ToArray(), FirstWrite: true), default)));
        var outcomes = await Task.WhenAll(writes);

        Assert.Equal(10, outcomes.Count(outcome => outcome is ETagMismatchException { Key: "a" }));
        Assert.Equal(90, outcomes.Count(outcome => outcome is null));
        Assert.Equal("2", await ReadAsync("a"));
        Assert.Equal("91", await _database.QueryAsync("SELECT count(*) FROM state"));
    }

    [Fact]
    public async Task A_write_that_the_server_refuses_fails_alone()
    {
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => OutcomeAsync(
            _store.WriteAsync(new StateWrite(i == 50 ? "zero\0" : $"k{i}", "1"u8.ToArray()), default))));

        Assert.Equal([50], outcomes.Index().Where(outcome => outcome.Item is not null).Select(outcome => outcome.Index));
        Assert.Contains("invalid byte sequence", outcomes[50]!.Message);
        Assert.Equal("99", await _database.QueryAsync("SELECT count(*) FROM state"));
    }

    [Fact]
    public async Task A_locked_row_delays_its_own_writes_only()
    {
        await WriteAsync("locked", "1");
        Task waiting;
        await using (await _database.LockAsync("locked"))
        {
            waiting = WriteAsync("locked", "2");
            await Task.WhenAll(Enumerable.Range(0, 50).Select(i => WriteAsync($"k{i}", "1")));

            Assert.False(waiting.IsCompleted);
        }

        await waiting;
        Assert.Equal("2", await ReadAsync("locked"));
    }

    [Fact]
    public async Task Writes_of_one_caller_after_another_stay_in_order()
    {
        await Task.WhenAll(Enumerable.Range(0, 20).Select(async key =>
        {
            for (var i = 0; i < 20; i++)
            {
                await WriteAsync($"k{key}", $"{i}");
                Assert.Equal($"{i}", await ReadAsync($"k{key}"));
            }
        }));
    }

    private Task WriteAsync(string key, string value) => _store.WriteAsync(new StateWrite(key, Encoding.UTF8.GetBytes(value)), default).AsTask();

    private async Task<string> ReadAsync(string key) => Encoding.UTF8.GetString((await _store.GetAsync(key, default))!.Value.Span);

    private static async Task<Exception?> OutcomeAsync(ValueTask write) => await Record.ExceptionAsync(async () => await write);
}
