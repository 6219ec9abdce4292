using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;
using Sidecar.Runtime.Loading;
using Sidecar.Runtime.Outbox;

namespace Sidecar.Runtime.App;

/// <summary>The component instances of one app instance.</summary>
public sealed partial class ComponentSet : IAsyncDisposable
{
    private readonly Dictionary<string, (ComponentManifest Manifest, ComponentMetadata Metadata, IComponent Component)> _components = [];
    private readonly Dictionary<string, string> _leftOut = [];

    /// <summary>Names, types and the instances, sorted by name.</summary>
    public IEnumerable<(ComponentManifest Manifest, IComponent Component)> All =>
        _components.Values.OrderBy(entry => entry.Manifest.Name, StringComparer.Ordinal).Select(entry => (entry.Manifest, entry.Component));

    /// <summary>The component of that name and kind, or null.</summary>
    public T? Find<T>(string name) where T : class, IComponent => _components.TryGetValue(name, out var entry) ? entry.Component as T : null;

    /// <summary>Why a component is missing that <c>ignoreErrors</c> has left out, as the end of a sentence; empty for any other name.</summary>
    public string WhyMissing(string name) =>
        _leftOut.TryGetValue(name, out var problem) ? $"; component '{name}' was left out at the start (ignoreErrors): {problem}" : "";

    /// <summary>Whether there is any of that kind.</summary>
    public bool Any<T>() => _components.Values.Any(entry => entry.Component is T);

    /// <summary>Resolved metadata of a component; empty when unknown.</summary>
    public ComponentMetadata Metadata(string name) => _components.TryGetValue(name, out var entry) ? entry.Metadata : ComponentMetadata.Empty;

    /// <summary>
    /// Creates and initialises the components in scope: secret stores first, since the others' metadata may refer to them. Throws
    /// <see cref="ComponentException"/> naming component and file, unless the component says <c>ignoreErrors</c>.
    /// </summary>
    /// <param name="manifests">Of all apps.</param>
    /// <param name="instance">Whose components these are.</param>
    /// <param name="run">Folders.</param>
    /// <param name="registry">The types there are.</param>
    /// <param name="services">For the components.</param>
    /// <param name="logger">Told what is left out or tried again.</param>
    /// <param name="check">Whether only to look for mistakes: components with data of their own are made, but not opened.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    public async Task InitAsync(
        IEnumerable<ComponentManifest> manifests, SidecarInstance instance, SidecarRun run, ComponentRegistry registry, IServiceProvider services,
        ILogger logger, bool check, CancellationToken cancellationToken)
    {
        foreach (var manifest in StartOrder.Of([.. manifests.Where(manifest => manifest.IsFor(instance.AppId))]))
        {
            try
            {
                if (_components.TryGetValue(manifest.Name, out var other))
                {
                    throw new ComponentException($"the name is used twice, also in {other.Manifest.Source}: rename one of them, or give them different scopes");
                }

                var factory = registry.Find(manifest.Type) ?? throw new ComponentException(
                    $"the type is unknown{Nearest.Hint(manifest.Type, registry.Types)}; this sidecar has: {string.Join(", ", registry.Types)}");
                RefuseUnkept(manifest);
                var metadata = await ResolveAsync(manifest, instance, cancellationToken);
                var context = new ComponentContext(
                    manifest.Name, manifest.Type, manifest.Version, metadata, instance.AppId, instance.Index, run.DataDirectory, run.BaseDirectory, services);
                var component = await ComponentStart.RunAsync(() => factory(context), manifest, run.ServerWait, check, logger, cancellationToken);
                RefuseHalfOutbox(metadata, component);
                _components.Add(manifest.Name, (manifest, metadata, component));
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                var problem = exception is TimeoutException ? $"did not start within {manifest.InitTimeout}" : exception.Message;
                if (!manifest.IgnoreErrors)
                {
                    throw new ComponentException($"component '{manifest.Name}' ({manifest.Type}, {manifest.Source}): {problem}", exception);
                }

                _leftOut[manifest.Name] = problem;
                LogIgnored(logger, instance.AppId, manifest.Name, problem);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (_, _, component) in _components.Values.Reverse())
        {
            await component.DisposeAsync();
        }
    }

    /// <summary>Metadata of state stores that changes what a write promises. To ignore it would break the promise without a word.</summary>
    private static void RefuseUnkept(ComponentManifest manifest)
    {
        foreach (var name in manifest.Type.StartsWith("state.", StringComparison.Ordinal) ? manifest.Metadata.Select(entry => entry.Name) : [])
        {
            if (name.Equals("primaryEncryptionKey", StringComparison.OrdinalIgnoreCase) || name.Equals("secondaryEncryptionKey", StringComparison.OrdinalIgnoreCase))
            {
                throw new ComponentException($"metadata '{name}': the embedded sidecar does not encrypt state");
            }
        }
    }

    private static void RefuseHalfOutbox(ComponentMetadata metadata, IComponent component)
    {
        if (component is IStateStore store && OutboxSettings.Read(metadata) is not null && !store.Features.HasFlag(StateFeatures.Transactional))
        {
            throw new ComponentException("metadata 'outboxPublishPubsub': an outbox needs a store with transactions");
        }
    }

    private async Task<ComponentMetadata> ResolveAsync(ComponentManifest manifest, SidecarInstance instance, CancellationToken cancellationToken)
    {
        var values = new List<KeyValuePair<string, string>>(manifest.Metadata.Count + 1);
        if (HasConsumerOfItsOwn(manifest))
        {
            values.Add(new("ephemeral", "true"));
        }

        foreach (var entry in manifest.Metadata)
        {
            values.Add(new(entry.Name, entry switch
            {
                { SecretName: { } secret } => await SecretAsync(manifest, secret, entry.SecretKey ?? secret, cancellationToken),
                { EnvRef: { } variable } => EnvironmentValue(variable),
                _ => Expand(entry.Value ?? "", instance),
            }));
        }

        return new ComponentMetadata(values);
    }

    /// <summary>
    /// Whether each start has a consumer group with a new name: nobody comes back to it, so a broker need not keep it, unless the
    /// metadata says otherwise.
    /// </summary>
    private static bool HasConsumerOfItsOwn(ComponentManifest manifest) =>
        manifest.Type.StartsWith("pubsub.", StringComparison.Ordinal) && manifest.Metadata.Any(entry =>
            entry.Name.Equals("consumerID", StringComparison.OrdinalIgnoreCase) && entry.Value?.Contains("{uuid}", StringComparison.Ordinal) == true);

    private async Task<string> SecretAsync(ComponentManifest manifest, string name, string key, CancellationToken cancellationToken)
    {
        var storeName = manifest.SecretStore ?? throw new ComponentException($"secretKeyRef '{name}' needs auth.secretStore");
        var store = Find<ISecretStore>(storeName) ?? throw new ComponentException($"the secret store '{storeName}' is not there or not in scope");
        var secret = await store.GetAsync(name, ComponentMetadata.Empty, cancellationToken);
        return secret?.GetValueOrDefault(key) ?? throw new ComponentException($"secret '{name}' has no key '{key}' in store '{storeName}'");
    }

    private static string EnvironmentValue(string variable) =>
        variable.StartsWith("DAPR_", StringComparison.OrdinalIgnoreCase) || variable.Equals("APP_API_TOKEN", StringComparison.OrdinalIgnoreCase)
            ? throw new ComponentException($"envRef must not name {variable}")
            : Environment.GetEnvironmentVariable(variable) ?? "";

    private static string Expand(string value, SidecarInstance instance)
    {
        while (value.IndexOf("{uuid}", StringComparison.Ordinal) is >= 0 and var index)
        {
            value = string.Concat(value.AsSpan(0, index), Guid.NewGuid().ToString(), value.AsSpan(index + "{uuid}".Length));
        }

        if (value.Contains("{podName}", StringComparison.Ordinal))
        {
            value = value.Replace("{podName}", Environment.GetEnvironmentVariable("POD_NAME") ?? throw new ComponentException("{podName} needs the variable POD_NAME"), StringComparison.Ordinal);
        }

        return value
            .Replace("{namespace}", $"{Environment.GetEnvironmentVariable("NAMESPACE") ?? "default"}.{instance.AppId}", StringComparison.Ordinal)
            .Replace("{appID}", instance.AppId, StringComparison.Ordinal);
    }

    [LoggerMessage(2003, LogLevel.Warning, "{AppId}: component {Component} is left out: {Problem}")]
    private static partial void LogIgnored(ILogger logger, string appId, string component, string problem);
}
