using System.Text;
using Sidecar.Abstractions;

namespace Sidecar.Components.Redis.Tests;

/// <summary>What Dapr's store wrote is read, and what is written here Dapr's store reads (dapr/config §9.1).</summary>
public sealed class StateLayoutTests : IAsyncLifetime
{
    private RedisRun _run = null!;
    private IStateStore _store = null!;

    public async ValueTask InitializeAsync()
    {
        _run = await RedisRun.StartAsync();
        _store = await _run.CreateAsync<IStateStore>("state.redis");
    }

    public ValueTask DisposeAsync() => _run.DisposeAsync();

    [Fact]
    public async Task Reads_and_goes_on_with_what_dapr_wrote()
    {
        await _run.TypeAsync("""HSET app||order data {"n":1} version 7""");

        var item = await _store.GetAsync("app||order", default);
        Assert.Equal(("""{"n":1}""", "7", (DateTimeOffset?)null), (Text(item), item!.ETag, item.ExpiresAt));

        await _store.WriteAsync(new StateWrite("app||order", Bytes("2"), "7"), default);
        Assert.Equal(new Dictionary<string, string?> { ["data"] = "2", ["version"] = "8" }, await _run.HashAsync("app||order"));
        await Assert.ThrowsAsync<ETagMismatchException>(async () => await _store.WriteAsync(new StateWrite("app||order", null, "7"), default));
        await _store.WriteAsync(new StateWrite("app||order", null, "8"), default);
        Assert.Empty(await _run.HashAsync("app||order"));
    }

    [Fact]
    public async Task Dapr_goes_on_with_what_was_written_here()
    {
        await _store.WriteAsync(new StateWrite("key", Bytes("1")), default);
        var hash = await _run.HashAsync("key");
        Assert.Equal(["data", "version"], hash.Keys.Order());
        Assert.Equal((await _store.GetAsync("key", default))!.ETag, hash["version"]);

        // What its script does: the version counts on.
        await _run.TypeAsync("HSET key data 2");
        var next = (await _run.TypeAsync("HINCRBY key version 1")).AsString();

        Assert.Equal(long.Parse(hash["version"]!, null) + 1, long.Parse(next!, null));
        var item = await _store.GetAsync("key", default);
        Assert.Equal(("2", next), (Text(item), item!.ETag));
    }

    [Fact]
    public async Task A_value_created_with_first_write_is_written_with_its_etag_only()
    {
        await _store.WriteAsync(new StateWrite("key", Bytes("1"), FirstWrite: true), default);
        Assert.Equal("0", (await _run.HashAsync("key"))["first-write"]);

        var refused = await Assert.ThrowsAsync<InvalidOperationException>(async () => await _store.WriteAsync(new StateWrite("key", Bytes("2")), default));
        Assert.Equal("key 'key' was created with first-write: it is written with its etag only, or deleted first", refused.Message);

        await _store.WriteAsync(new StateWrite("key", Bytes("2"), (await _store.GetAsync("key", default))!.ETag), default);
        Assert.Equal("2", Text(await _store.GetAsync("key", default)));
        await _store.WriteAsync(new StateWrite("key", null), default);
        await _store.WriteAsync(new StateWrite("key", Bytes("3")), default);
        Assert.Equal("3", Text(await _store.GetAsync("key", default)));
    }

    [Fact]
    public async Task A_transaction_marks_nothing()
    {
        await _store.TransactAsync([new StateWrite("key", Bytes("1"), FirstWrite: true)], default);
        await _store.WriteAsync(new StateWrite("key", Bytes("2")), default);

        Assert.Equal("2", Text(await _store.GetAsync("key", default)));
    }

    [Fact]
    public async Task A_string_is_read_as_it_is_and_replaced_by_the_next_write()
    {
        await _run.TypeAsync("SET key text");
        Assert.Equal(("text", ""), (Text(await _store.GetAsync("key", default)), (await _store.GetAsync("key", default))!.ETag));

        await Assert.ThrowsAsync<ETagMismatchException>(async () => await _store.WriteAsync(new StateWrite("key", Bytes("1"), "1"), default));
        await Assert.ThrowsAsync<ETagMismatchException>(async () => await _store.WriteAsync(new StateWrite("key", Bytes("1"), FirstWrite: true), default));
        Assert.Equal("text", (await _run.TypeAsync("GET key")).AsString());
        await _store.WriteAsync(new StateWrite("key", Bytes("1")), default);
        Assert.Equal("1", Text(await _store.GetAsync("key", default)));
    }

    [Theory]
    [InlineData("RPUSH key item", "WRONGTYPE")]
    [InlineData("HSET key other 1", "its hash lacks the field data")]
    [InlineData("HSET key data 1", "its hash lacks the field version")]
    public async Task What_is_no_value_of_a_state_store_is_said(string line, string reason)
    {
        await _run.TypeAsync(line);

        var refused = await Assert.ThrowsAsync<InvalidDataException>(async () => await _store.GetAsync("key", default));
        Assert.StartsWith("key 'key' holds no value of a state store: ", refused.Message, StringComparison.Ordinal);
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);

        await _store.TransactAsync([new StateWrite("key", Bytes("1"))], default);
        Assert.Equal("1", Text(await _store.GetAsync("key", default)));
    }

    [Theory]
    [InlineData("none")]
    [InlineData("9999999999999999999999")]
    public async Task A_version_that_cannot_be_counted_on_breaks_no_transaction_in_two(string version)
    {
        await _run.TypeAsync($"HSET key data 1 version {version}");

        await _store.TransactAsync([new StateWrite("other", Bytes("2")), new StateWrite("key", Bytes("2"))], default);

        Assert.Equal(("2", "2"), (Text(await _store.GetAsync("other", default)), Text(await _store.GetAsync("key", default))));
    }

    [Fact]
    public async Task A_server_without_memory_takes_a_transaction_wholly_or_not_at_all()
    {
        await _store.WriteAsync(new StateWrite("a", Bytes("1")), default);
        await _run.TypeAsync("CONFIG SET maxmemory 1");

        var refused = await Assert.ThrowsAsync<ComponentException>(async () => await _store.TransactAsync([new("a", Bytes("2")), new("b", Bytes("2"))], default));
        Assert.Equal($"redis at {_run.Server.Address} refused: it has reached its maxmemory and takes no writes; give it more, or remove data", refused.Message);

        Assert.Equal(("1", null), (Text(await _store.GetAsync("a", default)), Text(await _store.GetAsync("b", default))));
        // The server asks for memory before the first write of a script only.
        await _store.TransactAsync([new("gone", null), new("a", Bytes("3")), new("b", Bytes("3"))], default);
        Assert.Equal(("3", "3"), (Text(await _store.GetAsync("a", default)), Text(await _store.GetAsync("b", default))));
    }

    [Fact]
    public async Task A_user_who_may_not_touch_a_key_is_told_so()
    {
        await _run.TypeAsync("ACL SETUSER app on >secret ~app||* &* +@all");
        var store = await _run.CreateAsync<IStateStore>("state.redis", ("redisUsername", "app"), ("redisPassword", "secret"));
        await store.WriteAsync(new StateWrite("app||key", Bytes("1")), default);

        foreach (var call in new Func<Task>[]
        {
            async () => await store.WriteAsync(new StateWrite("other||key", Bytes("1")), default),
            async () => await store.GetAsync("other||key", default),
        })
        {
            var refused = await Assert.ThrowsAsync<ComponentException>(call);
            Assert.StartsWith($"redis at {_run.Server.Address} refused: the user may not do that (NOPERM", refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Scripts_that_the_server_forgot_are_sent_again()
    {
        await _store.WriteAsync(new StateWrite("key", Bytes("1")), default);
        await _run.TypeAsync("SCRIPT FLUSH");

        await _store.WriteAsync(new StateWrite("key", Bytes("2")), default);
        await _run.TypeAsync("SCRIPT FLUSH");
        Assert.Equal("2", Text(await _store.GetAsync("key", default)));
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string? Text(StateItem? item) => item is null ? null : Encoding.UTF8.GetString(item.Value.Span);
}
