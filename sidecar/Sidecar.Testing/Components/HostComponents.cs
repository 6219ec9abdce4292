using System.Collections.Concurrent;
using Sidecar.Abstractions;
using Sidecar.Api;

namespace Sidecar.Testing.Components;

/// <summary>
/// The component types of a host. They outlive its sidecar: what is in memory is still there after <see cref="SidecarHost.RestartAsync"/>.
/// </summary>
internal sealed class HostComponents
{
    private readonly ComponentRegistry _types = new();
    private readonly Observation _observation;

    public HostComponents(
        SidecarHostOptions options, ConcurrentDictionary<string, string> secrets, ConfigurationItems configuration, Observation observation)
    {
        _observation = observation;
        StandardComponents.AddAll(_types);
        var locks = new ConcurrentDictionary<string, Dictionary<string, (string Owner, DateTimeOffset Until)>>();
        AddMissing("lock.in-memory", context => new MemoryLockStore(locks.GetOrAdd(context.Name, _ => []), observation.Time));
        AddMissing("configuration.in-memory", _ => new MemoryConfigurationStore(configuration));
        AddMissing("secretstores.in-memory", _ => new MemorySecretStore(secrets));
        options.ComponentTypes(_types);
    }

    /// <summary>Adds all of them to the registry of a sidecar.</summary>
    public void AddTo(ComponentRegistry registry)
    {
        foreach (var type in _types.Types)
        {
            var factory = _types.Find(type)!;
            registry.Add(type, context => ObservedComponent.Of(factory(context), context, _observation));
        }
    }

    private void AddMissing(string type, Func<ComponentContext, IComponent> factory)
    {
        if (_types.Find(type) is null)
        {
            _types.Add(type, factory);
        }
    }
}
