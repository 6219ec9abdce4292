using Sidecar.Abstractions;
using Sidecar.Components.InMemory;
using Sidecar.Components.Tandem;

namespace Sidecar.Conformance.Tests;

public sealed class InMemoryFixture : ComponentFixture, IStateStoreFixture, IPubSubFixture
{
    protected override ComponentRegistry Registry { get; } = new ComponentRegistry().AddInMemory();

    public Task<IStateStore> StateStoreAsync() => CreateAsync<IStateStore>("state.in-memory", "app", 0, "");

    public Task<IPubSub> PubSubAsync(string appId, int instance, string metadata) =>
        CreateAsync<IPubSub>("pubsub.in-memory", appId, instance, metadata);
}

public sealed class TandemFixture : ComponentFixture, IStateStoreFixture, IPubSubFixture, ILockFixture, IConfigurationFixture
{
    protected override ComponentRegistry Registry { get; } = new ComponentRegistry().AddTandem();

    public Task<IStateStore> StateStoreAsync() => CreateAsync<IStateStore>("state.tandem", "app", 0, "fsync=false");

    public Task<IPubSub> PubSubAsync(string appId, int instance, string metadata) =>
        CreateAsync<IPubSub>("pubsub.tandem", appId, instance, "fsync=false;" + metadata);

    public Task<ILockStore> LockStoreAsync() => CreateAsync<ILockStore>("lock.tandem", "app", 0, "fsync=false");

    public async Task<IConfigurationStore> ConfigurationStoreAsync() =>
        await CreateAsync<TandemConfigurationStore>("configuration.tandem", "app", 0, "fsync=false");

    public async Task WriteAsync(string key, string? value, string? version = null)
    {
        var store = await CreateAsync<TandemConfigurationStore>("configuration.tandem", "operator", 0, "fsync=false");
        await (value is null ? store.DeleteAsync(key, default) : store.SetAsync(key, value, version, default));
    }
}

public sealed class InMemoryStateStoreTests : StateStoreConformance<InMemoryFixture>;

public sealed class InMemoryPubSubTests : PubSubConformance<InMemoryFixture>;

public sealed class TandemStateStoreTests : StateStoreConformance<TandemFixture>;

public sealed class TandemPubSubTests : PubSubConformance<TandemFixture>;

public sealed class TandemLockTests : LockConformance<TandemFixture>;

public sealed class TandemConfigurationTests : ConfigurationConformance<TandemFixture>;
