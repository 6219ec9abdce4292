using Sidecar.Abstractions;

namespace Sidecar.Components.Redis.Tests;

public sealed class ConnectionTests
{
    [Fact]
    public async Task Components_with_the_same_options_share_a_connection_until_the_last_is_gone()
    {
        await using var run = await RedisRun.StartAsync();
        var before = await ConnectionsAsync(run);
        (string, string)[] metadata = [("redisHost", run.Server.Address), ("readTimeout", "30s"), ("dialTimeout", "60s")];
        var state = RedisRun.Make("state.redis", metadata);
        var other = RedisRun.Make("lock.redis", metadata);
        await Task.WhenAll(state.InitAsync(default), other.InitAsync(default));
        Assert.Equal(before + 1, await ConnectionsAsync(run));

        await state.DisposeAsync();
        await state.DisposeAsync();
        Assert.True(await ((ILockStore)other).TryLockAsync("resource", "a", TimeSpan.FromSeconds(30), default));

        await other.DisposeAsync();
        await Wait.UntilAsync(async () => await ConnectionsAsync(run) == before);
    }

    [Fact]
    public async Task Other_databases_have_connections_of_their_own()
    {
        await using var run = await RedisRun.StartAsync();
        var first = await run.CreateAsync<IStateStore>("state.redis");
        var second = await run.CreateAsync<IStateStore>("state.redis", ("redisDB", "1"));

        await first.WriteAsync(new StateWrite("key", new byte[] { 1 }), default);

        Assert.Null(await second.GetAsync("key", default));
    }

    private static async Task<int> ConnectionsAsync(RedisRun run) =>
        (await run.TypeAsync("CLIENT LIST")).AsString()!.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;
}
