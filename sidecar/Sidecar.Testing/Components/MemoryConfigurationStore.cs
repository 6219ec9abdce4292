using Sidecar.Abstractions;

namespace Sidecar.Testing.Components;

/// <summary><c>configuration.in-memory</c>: the items of <see cref="SidecarHost.Configuration"/>.</summary>
internal sealed class MemoryConfigurationStore(ConfigurationItems items) : IConfigurationStore
{
    public Task InitAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public ValueTask<IReadOnlyDictionary<string, ConfigurationItem>> GetAsync(
        IReadOnlyList<string> keys, ComponentMetadata metadata, CancellationToken cancellationToken) => new(items.Get(keys));

    public Task<IAsyncDisposable> SubscribeAsync(
        IReadOnlyList<string> keys, ComponentMetadata metadata, Action<string, ConfigurationItem> changed, CancellationToken cancellationToken) =>
        Task.FromResult(items.Subscribe(keys, changed));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
