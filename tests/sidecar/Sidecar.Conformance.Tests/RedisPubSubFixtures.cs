using Sidecar.Abstractions;
using Sidecar.Components.Redis;
using Sidecar.Redis;
using TestKit;
using TestServers;

namespace Sidecar.Conformance.Tests;

/// <summary>A database of the shared Redis server, empty for each test; the suite's tests run one after the other.</summary>
public sealed class RedisPubSubFixture : ComponentFixture, IPubSubFixture
{
    private const int Database = 9;
    private bool _isEmpty;

    public override ManualTimeProvider? Clock => null;

    protected override ComponentRegistry Registry { get; } = new ComponentRegistry().AddRedis();

    public async Task<IPubSub> PubSubAsync(string appId, int instance, string metadata)
    {
        var server = await Servers.RedisAsync();
        if (!_isEmpty)
        {
            await using var client = await RedisClient.ConnectAsync(Patient.Options(server, Database));
            await client.ExecuteAsync(RedisCommand.Of("FLUSHDB"));
            _isEmpty = true;
        }

        return await CreateAsync<IPubSub>("pubsub.redis", appId, instance, $"redisHost={server.Address};redisDB={Database};{Patient.Redis};{metadata}");
    }
}

public sealed class RedisPubSubTests : PubSubConformance<RedisPubSubFixture>;
