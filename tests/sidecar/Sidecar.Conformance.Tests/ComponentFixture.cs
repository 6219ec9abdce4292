using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection;
using Sidecar.Abstractions;
using TestKit;

namespace Sidecar.Conformance.Tests;

/// <summary>
/// Makes instances of one component type for a test. A fixture is made per test; two instances it makes for one name share
/// their data, as two app instances do.
/// </summary>
public abstract class ComponentFixture : IAsyncDisposable
{
    private readonly List<IComponent> _components = [];
    private readonly TempDirectory _directory = new();

    /// <summary>Adds the types under test.</summary>
    protected abstract ComponentRegistry Registry { get; }

    /// <summary>The clock of the components; null for servers that have their own.</summary>
    public virtual ManualTimeProvider? Clock { get; } = new();

    protected async Task<T> CreateAsync<T>(string type, string appId, int instance, string metadata, string version = "v1") where T : IComponent
    {
        var services = new ServiceCollection();
        if (Clock is not null)
        {
            services.AddSingleton<TimeProvider>(Clock);
        }

        var values = metadata.Split(';', StringSplitOptions.RemoveEmptyEntries)
            .Select(pair => pair.Split('=', 2)).Select(pair => KeyValuePair.Create(pair[0], pair[1]));
        var component = (T)Registry.Find(type)!(new ComponentContext(
            "component", type, version, new ComponentMetadata(values), appId, instance, _directory.Path, _directory.Path, services.BuildServiceProvider()));
        await component.InitAsync(CancellationToken.None);
        lock (_components)
        {
            _components.Add(component);
        }

        return component;
    }

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var component in _components)
        {
            await component.DisposeAsync();
        }

        _directory.Dispose();
        GC.SuppressFinalize(this);
    }
}

/// <summary>A fixture of a state store.</summary>
public interface IStateStoreFixture : IAsyncDisposable
{
    ManualTimeProvider? Clock { get; }

    /// <summary>Whether an etag that the store cannot have made is told from a stale one.</summary>
    bool KnowsMalformedETags => true;

    Task<IStateStore> StateStoreAsync();
}

/// <summary>A fixture of a broker.</summary>
public interface IPubSubFixture : IAsyncDisposable
{
    ManualTimeProvider? Clock { get; }

    /// <summary>Whether <see cref="IncomingMessage.DeliveryAttempt"/> counts failures of the handler and nothing else.</summary>
    bool CountsAttempts => true;

    /// <summary>Whether a consumer group gets what was published before it was made.</summary>
    bool KeepsForNewGroups => true;

    /// <summary>Metadata as <c>name=value;name=value</c>.</summary>
    Task<IPubSub> PubSubAsync(string appId, int instance = 0, string metadata = "");
}

/// <summary>A fixture of a lock store.</summary>
public interface ILockFixture : IAsyncDisposable
{
    ManualTimeProvider? Clock { get; }

    Task<ILockStore> LockStoreAsync();
}

/// <summary>A fixture of a configuration store.</summary>
public interface IConfigurationFixture : IAsyncDisposable
{
    Task<IConfigurationStore> ConfigurationStoreAsync();

    /// <summary>Whether each change is told; a server that only says that a key changed tells the newest value of several quick changes.</summary>
    bool TellsEachChange => true;

    /// <summary>Writes an item behind the component, as an operator would; null removes it. Without a version the store gives one.</summary>
    Task WriteAsync(string key, string? value, string? version = null);
}
