using System.Text;
using Sidecar.Abstractions;

namespace Sidecar.Components.Redis.Tests;

public sealed class BindingTests : IAsyncLifetime
{
    private RedisRun _run = null!;
    private IOutputBinding _binding = null!;

    public async ValueTask InitializeAsync()
    {
        _run = await RedisRun.StartAsync();
        _binding = await _run.CreateAsync<IOutputBinding>("bindings.redis");
    }

    public ValueTask DisposeAsync() => _run.DisposeAsync();

    [Fact]
    public async Task Creates_gets_and_deletes_the_data_as_sent()
    {
        Assert.Null((await InvokeAsync("create", "\"text\"", ("key", "k"))).Data);
        Assert.Equal("\"text\"", (await _run.TypeAsync("GET k")).AsString());
        Assert.Equal("\"text\"", Text(await InvokeAsync("get", "", ("key", "k"))));

        Assert.Null((await InvokeAsync("delete", "", ("key", "k"))).Data);
        Assert.Equal("", Text(await InvokeAsync("get", "", ("key", "k"))));
    }

    [Fact]
    public async Task A_get_may_take_the_value_away()
    {
        await InvokeAsync("create", "1", ("key", "k"));

        Assert.Equal("1", Text(await InvokeAsync("get", "", ("key", "k"), ("delete", "true"))));
        Assert.Equal(0, (await _run.TypeAsync("EXISTS k")).AsInt64());
    }

    [Fact]
    public async Task A_time_to_live_is_set_with_the_value()
    {
        await InvokeAsync("create", "1", ("key", "a"), ("ttlInSeconds", "100"));
        await InvokeAsync("increment", "", ("key", "b"), ("ttlInSeconds", "100"));
        await InvokeAsync("create", "1", ("key", "a2"));

        Assert.InRange((await _run.TypeAsync("TTL a")).AsInt64(), 90, 100);
        Assert.InRange((await _run.TypeAsync("TTL b")).AsInt64(), 90, 100);
        Assert.Equal(-1, (await _run.TypeAsync("TTL a2")).AsInt64());
    }

    [Fact]
    public async Task Increments_from_nothing_and_says_when_it_cannot()
    {
        Assert.Null((await InvokeAsync("increment", "", ("key", "n"))).Data);
        await InvokeAsync("increment", "", ("key", "n"));
        Assert.Equal("2", (await _run.TypeAsync("GET n")).AsString());

        await _run.TypeAsync("SET text abc");
        foreach (var ttl in new[] { "", "10" })
        {
            var refused = await Assert.ThrowsAnyAsync<Exception>(async () => await InvokeAsync("increment", "", ("key", "text"), ("ttlInSeconds", ttl)));
            Assert.Contains("not an integer", refused.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("create", "", "", "required metadata not set: key")]
    [InlineData("create", "k", "-1", "ttlInSeconds '-1' is not a positive integer")]
    [InlineData("increment", "k", "soon", "ttlInSeconds 'soon' is not a positive integer")]
    public async Task Wrong_metadata_is_refused(string operation, string key, string ttl, string message)
    {
        var refused = await Assert.ThrowsAsync<BindingException>(async () => await InvokeAsync(operation, "1", ("key", key), ("ttlInSeconds", ttl)));

        Assert.Equal(message, refused.Message);
    }

    private ValueTask<BindingResponse> InvokeAsync(string operation, string data, params (string Name, string Value)[] metadata) => _binding.InvokeAsync(
        new BindingRequest(operation, Encoding.UTF8.GetBytes(data), new ComponentMetadata(metadata.Select(entry => KeyValuePair.Create(entry.Name, entry.Value)))), default);

    private static string Text(BindingResponse response) => Encoding.UTF8.GetString(response.Data!.Value.Span);
}
