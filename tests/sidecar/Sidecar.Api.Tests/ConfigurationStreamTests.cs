using Sidecar.Api.Tests.Doors;
using Sidecar.Components.Tandem;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Runtime;

namespace Sidecar.Api.Tests;

/// <summary>Configuration subscriptions over gRPC (grpc §2.1).</summary>
public sealed class ConfigurationStreamTests : IAsyncLifetime
{
    private const string Service = "/dapr.proto.runtime.v1.Dapr/";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TestRun _run = new TestRun { ShutdownTimeout = Patience }.Component("conf", "configuration.tandem", "fsync=false");
    private GrpcChannel _channel = null!;

    public async ValueTask InitializeAsync()
    {
        await _run.AppAsync("app");
        await _run.StartAsync();
        _channel = GrpcDoor.Channel(_run);
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await _run.DisposeAsync();
    }

    [Theory]
    [InlineData("")]
    [InlineData("Alpha1")]
    public async Task Streams_its_id_then_changes_of_the_keys_asked_until_unsubscribed(string suffix)
    {
        await using var stream = Subscribe(suffix, "a");
        var id = (await NextAsync(stream)).Id;

        await SetAsync("other", "0");
        await SetAsync("a", "1");

        var change = await NextAsync(stream);
        Assert.Equal((id, "a", "1", "v1"), (change.Id, Assert.Single(change.Items).Key, change.Items["a"].Value, change.Items["a"].Version));

        Assert.True((await UnsubscribeAsync(id, suffix)).Ok);
        Assert.False(await stream.MoveNextAsync().AsTask().WaitAsync(Patience));
    }

    [Fact]
    public async Task A_reader_that_is_slow_gets_the_newest_value_of_each_key()
    {
        await using var stream = Subscribe();
        await NextAsync(stream);
        // Larger than what flow control and the sockets take, so that the writer waits for the reader.
        var large = new string('x', 512 * 1024);
        for (var n = 0; n < 64; n++)
        {
            await SetAsync("a", $"{n} {large}");
        }

        await SetAsync("b", "last");

        var seen = new List<string>();
        for (var done = false; !done;)
        {
            var change = await NextAsync(stream);
            seen.AddRange(change.Items.Where(item => item.Key == "a").Select(item => item.Value.Value.Split(' ')[0]));
            done = change.Items.ContainsKey("b");
        }

        Assert.Equal("63", seen[^1]);
        Assert.Equal(seen.Distinct().OrderBy(int.Parse), seen);
        Assert.InRange(seen.Count, 1, 63);
    }

    [Fact]
    public async Task Ends_with_the_call()
    {
        using var cancel = new CancellationTokenSource();
        var stream = Subscribe(cancellationToken: cancel.Token);
        var id = (await NextAsync(stream)).Id;

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await stream.MoveNextAsync());

        var answer = await UnsubscribeAsync(id);
        using var limit = new CancellationTokenSource(Patience);
        while (answer.Ok)
        {
            // The end of the call is on its way; unsubscribing in between is no error either.
            answer = await UnsubscribeAsync(id);
            limit.Token.ThrowIfCancellationRequested();
        }

        Assert.Equal($"subscription with id {id} does not exist", answer.Message);
    }

    [Fact]
    public async Task Ends_when_the_sidecar_stops()
    {
        await using var stream = Subscribe();
        await NextAsync(stream);

        await _run.Sidecar.DisposeAsync().AsTask().WaitAsync(Patience);

        Assert.False(await stream.MoveNextAsync().AsTask().WaitAsync(Patience));
    }

    [Fact]
    public async Task An_unknown_store_is_an_error()
    {
        await using var stream = Subscribe(store: "nope");
        var error = await Assert.ThrowsAsync<GrpcException>(async () => await stream.MoveNextAsync());
        Assert.Equal((GrpcStatusCode.InvalidArgument, "ERR_CONFIGURATION_STORE_NOT_FOUND"), (error.StatusCode, GrpcDoor.Info(error)!.Reason));

        Assert.Equal(GrpcStatusCode.InvalidArgument, (await Assert.ThrowsAsync<GrpcException>(() => UnsubscribeAsync("1", store: "nope"))).StatusCode);
    }

    private IAsyncEnumerator<SubscribeConfigurationResponse> Subscribe(
        string suffix = "", string? key = null, string store = "conf", CancellationToken cancellationToken = default)
    {
        var request = new SubscribeConfigurationRequest { StoreName = store, Keys = { key is null ? [] : new[] { key } } };
        return _channel.ServerStreamAsync($"{Service}SubscribeConfiguration{suffix}", request, SubscribeConfigurationResponse.Parser, cancellationToken: cancellationToken)
            .GetAsyncEnumerator(cancellationToken);
    }

    private Task<UnsubscribeConfigurationResponse> UnsubscribeAsync(string id, string suffix = "", string store = "conf") => _channel.UnaryAsync(
        $"{Service}UnsubscribeConfiguration{suffix}", new UnsubscribeConfigurationRequest { StoreName = store, Id = id }, UnsubscribeConfigurationResponse.Parser);

    private static async Task<SubscribeConfigurationResponse> NextAsync(IAsyncEnumerator<SubscribeConfigurationResponse> stream)
    {
        Assert.True(await stream.MoveNextAsync().AsTask().WaitAsync(Patience));
        return stream.Current;
    }

    private Task SetAsync(string key, string value) =>
        _run.Sidecar.Apps[0].Components.Find<TandemConfigurationStore>("conf")!.SetAsync(key, value, $"v{value}"[..2], default).AsTask();
}
