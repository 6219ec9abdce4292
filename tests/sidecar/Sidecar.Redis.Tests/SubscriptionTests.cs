using System.Collections.Concurrent;
using TestServers;

namespace Sidecar.Redis.Tests;

public sealed class SubscriptionTests(RedisServerFixture fixture) : IAsyncLifetime
{
    private readonly string _channel = Guid.NewGuid().ToString("N");
    private readonly ConcurrentQueue<string> _heard = new();
    private RedisClient _redis = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _redis = await RedisClient.ConnectAsync(fixture.Server.Options(), Cancel);

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Fact]
    public async Task Messages_come_in_their_order_beside_commands()
    {
        await using var subscription = await _redis.SubscribeAsync(RedisChannel.Named(_channel), Hear, cancellationToken: Cancel);
        var calls = Task.WhenAll(Enumerable.Range(0, 8).Select(caller => Task.Run(async () =>
        {
            for (var number = 0; number < 200; number++)
            {
                Assert.Equal(number, (await _redis.ExecuteAsync(RedisCommand.Of("ECHO", number), Cancel)).AsInt64());
            }
        })));
        for (var number = 0; number < 500; number++)
        {
            Assert.Equal(1, (await PublishAsync(_channel, $"{number}")).AsInt64());
        }

        await calls;
        await Wait.UntilAsync(() => _heard.Count == 500);
        Assert.Equal(Enumerable.Range(0, 500).Select(number => $"{_channel}={number}"), _heard);
    }

    [Fact]
    public async Task A_pattern_tells_the_channel()
    {
        await using var subscription = await _redis.SubscribeAsync(RedisChannel.Pattern($"{_channel}.*"), Hear, cancellationToken: Cancel);
        await PublishAsync($"{_channel}.a", "1");
        await PublishAsync($"{_channel}.b", "2");
        await Wait.UntilAsync(() => _heard.Count == 2);
        Assert.Equal([$"{_channel}.a=1", $"{_channel}.b=2"], _heard);
    }

    [Fact]
    public async Task The_last_subscriber_unsubscribes()
    {
        var first = await _redis.SubscribeAsync(RedisChannel.Named(_channel), Hear, cancellationToken: Cancel);
        var second = await _redis.SubscribeAsync(RedisChannel.Named(_channel), Hear, cancellationToken: Cancel);
        await PublishAsync(_channel, "both");
        await Wait.UntilAsync(() => _heard.Count == 2);

        await first.DisposeAsync();
        Assert.Equal(1, (await PublishAsync(_channel, "one")).AsInt64());
        await Wait.UntilAsync(() => _heard.Count == 3);
        await second.DisposeAsync();
        await second.DisposeAsync();
        Assert.Equal(0, (await PublishAsync(_channel, "none")).AsInt64());
    }

    [Fact]
    public async Task A_handler_that_throws_hears_the_next_message_and_is_told()
    {
        var failed = new TaskCompletionSource<Exception>();
        _redis.HandlerFailed += failed.SetResult;
        await using var subscription = await _redis.SubscribeAsync(
            RedisChannel.Named(_channel),
            message =>
            {
                Hear(message);
                if (_heard.Count == 1)
                {
                    throw new InvalidOperationException("no");
                }
            },
            cancellationToken: Cancel);
        await PublishAsync(_channel, "1");
        await PublishAsync(_channel, "2");
        await Wait.UntilAsync(() => _heard.Count == 2);
        Assert.Equal("no", (await failed.Task).Message);
    }

    [Fact]
    public async Task A_handler_that_is_too_slow_is_told_of_a_gap_and_holds_up_nobody()
    {
        await using var redis = await RedisClient.ConnectAsync(fixture.Server.Options() with { MaxQueuedMessages = 5 }, Cancel);
        using var go = new SemaphoreSlim(0);
        await using var subscription = await redis.SubscribeAsync(
            RedisChannel.Named(_channel),
            message =>
            {
                Hear(message);
                go.Wait(Cancel);
            },
            () => _heard.Enqueue("gap"),
            Cancel);
        for (var number = 0; number < 20; number++)
        {
            await redis.ExecuteAsync(RedisCommand.Of("PUBLISH", _channel, number), Cancel);
        }

        // On the same connection: what was published before has been dispatched.
        await redis.ExecuteAsync(RedisCommand.Of("PING"), Cancel);
        go.Release(100);
        // The gap and the five that found room, or more: then there is room again.
        await Wait.UntilAsync(() => _heard.Contains("gap") && _heard.Count >= 6);
        await redis.ExecuteAsync(RedisCommand.Of("PUBLISH", _channel, "after"), Cancel);
        await Wait.UntilAsync(() => _heard.Contains($"{_channel}=after"));
        Assert.InRange(_heard.Count, 7, 9);
    }

    [Fact]
    public async Task Subscriptions_are_made_again_after_the_server_was_killed()
    {
        await using var server = await Servers.NewRedisAsync();
        await using var redis = await RedisClient.ConnectAsync(server.Options(), Cancel);
        await using var subscription = await redis.SubscribeAsync(RedisChannel.Named(_channel), Hear, () => _heard.Enqueue("gap"), Cancel);
        await using var pattern = await redis.SubscribeAsync(RedisChannel.Pattern("*"), message => Hear(message with { Channel = "*" }), cancellationToken: Cancel);
        await redis.ExecuteAsync(RedisCommand.Of("PUBLISH", _channel, "before"), Cancel);
        await Wait.UntilAsync(() => _heard.Count == 2);

        await server.CrashAsync(Cancel);
        await Wait.UntilAsync(() => _heard.Contains("gap"));
        Assert.Equal(2, (await redis.ExecuteAsync(RedisCommand.Of("PUBLISH", _channel, "after"), Cancel)).AsInt64());
        await Wait.UntilAsync(() => _heard.Count == 5);
        Assert.Equal([$"{_channel}=before", "gap", $"{_channel}=after"], _heard.Where(heard => !heard.StartsWith('*')));
        Assert.Equal(2, redis.Generation);
    }

    [Fact]
    public async Task A_refused_subscription_is_an_error_and_disturbs_nothing()
    {
        var user = "u" + _channel;
        await _redis.ExecuteAsync(RedisCommand.Of("ACL", "SETUSER", user, "on", ">secret", "+@all", "~*", "&allowed"), Cancel);
        await using var redis = await RedisClient.ConnectAsync(fixture.Server.Options() with { Username = user, Password = "secret" }, Cancel);
        var refused = await Assert.ThrowsAsync<RedisServerException>(
            () => redis.SubscribeAsync(RedisChannel.Named("forbidden"), Hear, cancellationToken: Cancel));
        Assert.Equal("NOPERM", refused.Code);
        await using var allowed = await redis.SubscribeAsync(RedisChannel.Named("allowed"), Hear, cancellationToken: Cancel);
        await redis.ExecuteAsync(RedisCommand.Of("PUBLISH", "allowed", "1"), Cancel);
        await Wait.UntilAsync(() => _heard.Count == 1);
        Assert.Equal(1, redis.Generation);
    }

    private ValueTask<RedisReply> PublishAsync(string channel, string text) => _redis.ExecuteAsync(RedisCommand.Of("PUBLISH", channel, text), Cancel);

    private void Hear(RedisMessage message) => _heard.Enqueue($"{message.Channel}={System.Text.Encoding.UTF8.GetString(message.Payload.Span)}");
}
