using LocalServers;
using Sidecar.Abstractions;
using TestServers;

namespace Sidecar.Components.Redis.Tests;

public sealed class LockTests
{
    [Fact]
    public async Task A_lock_lies_where_dapr_keeps_it()
    {
        await using var run = await RedisRun.StartAsync();
        var store = await run.CreateAsync<ILockStore>("lock.redis");

        await store.TryLockAsync("lock||app||resource", "owner", TimeSpan.FromMinutes(10), default);

        Assert.Equal("owner", (await run.TypeAsync("GET lock||app||resource")).AsString());
        Assert.InRange((await run.TypeAsync("TTL lock||app||resource")).AsInt64(), 500, 600);
        await run.TypeAsync("SET lock||app||dapr other EX 30 NX");
        Assert.False(await store.TryLockAsync("lock||app||dapr", "owner", TimeSpan.FromSeconds(30), default));
        Assert.Equal(UnlockStatus.LockBelongsToOthers, await store.UnlockAsync("lock||app||dapr", "owner", default));
    }

    [Fact]
    public async Task A_lock_survives_the_death_of_the_server()
    {
        await using var run = await RedisRun.StartAsync();
        var store = await run.CreateAsync<ILockStore>("lock.redis");
        await store.TryLockAsync("resource", "a", TimeSpan.FromMinutes(5), default);

        await run.Server.KillAsync();
        await run.Server.RestartAsync();
        // What a client sends before it has noticed goes to the dead server: first the test's own is back, then that of the store.
        await Wait.UntilAsync(() => Task.FromResult(run.Cli.Generation == 2));
        await Wait.UntilAsync(async () =>
            (await run.TypeAsync("CLIENT LIST")).AsString()!.Split('\n').Count(line => line.Contains(" name=tandem ", StringComparison.Ordinal)) == 2);

        Assert.False(await store.TryLockAsync("resource", "b", TimeSpan.FromSeconds(30), default));
        Assert.Equal(UnlockStatus.Success, await store.UnlockAsync("resource", "a", default));
    }

    [Fact]
    public async Task A_server_with_replicas_and_a_replica_are_refused()
    {
        await using var run = await RedisRun.StartAsync();
        await using var replica = await Servers.NewRedisAsync(new RedisServerOptions { Arguments = ["--replicaof", $"{run.Server.Host} {run.Server.Port}"] });
        await Wait.UntilAsync(async () => (await run.TypeAsync("INFO replication")).AsString()!.Contains("connected_slaves:1", StringComparison.Ordinal));

        foreach (var server in new[] { run.Server, replica })
        {
            await using var component = RedisRun.Make("lock.redis", ("redisHost", server.Address), ("readTimeout", "30s"), ("dialTimeout", "60s"));
            var refused = await Assert.ThrowsAsync<ComponentException>(() => component.InitAsync(default));
            Assert.StartsWith($"redis at {server.Address} is replicated: ", refused.Message, StringComparison.Ordinal);
        }
    }
}
