using LocalServers;
using Sidecar.Abstractions;
using Sidecar.Components.Redis;
using Sidecar.Redis;
using TestKit;
using TestServers;

namespace Sidecar.Conformance.Tests;

/// <summary>A database of the shared Redis server, empty for each test.</summary>
public sealed class RedisStoreFixture : ComponentFixture, IStateStoreFixture, ILockFixture, IConfigurationFixture
{
    // Suites run at the same time, the tests of one do not; database 0 is for those who name none.
    private static readonly System.Collections.Concurrent.ConcurrentQueue<int> Free = new(Enumerable.Range(1, 7));

    private static long _version;

    private int _database;
    private RedisClient? _operator;

    public override ManualTimeProvider? Clock => null;

    public bool TellsEachChange => false;

    protected override ComponentRegistry Registry { get; } = new ComponentRegistry().AddRedis();

    public Task<IStateStore> StateStoreAsync() => CreateAsync<IStateStore>("state.redis");

    public Task<ILockStore> LockStoreAsync() => CreateAsync<ILockStore>("lock.redis");

    public Task<IConfigurationStore> ConfigurationStoreAsync() => CreateAsync<IConfigurationStore>("configuration.redis");

    public async Task WriteAsync(string key, string? value, string? version = null) => await _operator!.ExecuteAsync(
        value is null ? RedisCommand.Of("DEL", key) : RedisCommand.Of("SET", key, $"{value}||{version ?? $"{Interlocked.Increment(ref _version)}"}"));

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_operator is not null)
        {
            await _operator.DisposeAsync();
            Free.Enqueue(_database);
        }
    }

    private async Task<T> CreateAsync<T>(string type) where T : IComponent
    {
        var server = await Servers.RedisAsync();
        if (_operator is null)
        {
            Assert.True(Free.TryDequeue(out _database));
            _operator = await RedisClient.ConnectAsync(Patient.Options(server, _database));
            await _operator.ExecuteAsync(RedisCommand.Of("FLUSHDB"));
        }

        return await CreateAsync<T>(type, "app", 0, $"redisHost={server.Host}:{server.Port};redisDB={_database};{Patient.Redis}");
    }
}

public sealed class RedisStateStoreTests : StateStoreConformance<RedisStoreFixture>;

public sealed class RedisLockTests : LockConformance<RedisStoreFixture>;

public sealed class RedisConfigurationTests : ConfigurationConformance<RedisStoreFixture>;
