using System.Collections.Concurrent;
using Sidecar.Abstractions;

namespace Sidecar.Testing.Components;

/// <summary><c>secretstores.in-memory</c>: the secrets of <see cref="SidecarHost.Secrets"/>, one value each.</summary>
internal sealed class MemorySecretStore(ConcurrentDictionary<string, string> secrets) : ISecretStore
{
    public bool MultipleValuesPerSecret => false;

    public Task InitAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public ValueTask<IReadOnlyDictionary<string, string>?> GetAsync(string name, ComponentMetadata metadata, CancellationToken cancellationToken) =>
        new(secrets.TryGetValue(name, out var value) ? One(name, value) : null);

    public ValueTask<IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>>> GetAllAsync(
        ComponentMetadata metadata, CancellationToken cancellationToken) =>
        new(secrets.ToDictionary(secret => secret.Key, secret => One(secret.Key, secret.Value)));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static IReadOnlyDictionary<string, string> One(string name, string value) => new Dictionary<string, string> { [name] = value };
}
