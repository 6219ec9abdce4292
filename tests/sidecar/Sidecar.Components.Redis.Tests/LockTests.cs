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
            await using var component = RedisRun.Make("lock.redis", ("redisHost", server.Address));
            var refused = await Assert.ThrowsAsync<ComponentException>(() => component.InitAsync(default));
            Assert.StartsWith($"redis at {server.Address} is replicated: ", refused.Message, StringComparison.Ordinal);
        }
    }
}
