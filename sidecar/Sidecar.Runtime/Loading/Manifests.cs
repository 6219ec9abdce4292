namespace Sidecar.Runtime.Loading;

/// <summary>A Component resource as it stands in its file.</summary>
public sealed record ComponentManifest
{
    public required string Name { get; init; }
    public required string Type { get; init; }
    public required string Version { get; init; }
    public required IReadOnlyList<MetadataEntry> Metadata { get; init; }
    public required IReadOnlyList<string> Scopes { get; init; }
    public required TimeSpan InitTimeout { get; init; }
    public required bool IgnoreErrors { get; init; }
    public required string? SecretStore { get; init; }
    public required string Source { get; init; }

    /// <summary>Whether the app may use it: scopes empty or naming it.</summary>
    public bool IsFor(string appId) => Scopes.Count == 0 || Scopes.Contains(appId);
}

/// <summary>One metadata value, possibly by reference.</summary>
public sealed record MetadataEntry(string Name, string? Value, string? SecretName, string? SecretKey, string? EnvRef);

/// <summary>A rule of a subscription; <paramref name="Match"/> null is the default route.</summary>
public sealed record RouteRule(string? Match, string Path);

/// <summary>A subscription, declared in a file or by the app.</summary>
public sealed record SubscriptionManifest
{
    public required string PubSubName { get; init; }
    public required string Topic { get; init; }
    public required IReadOnlyList<RouteRule> Rules { get; init; }
    public string? DeadLetterTopic { get; init; }
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();
    public BulkSubscribe? Bulk { get; init; }
    public IReadOnlyList<string> Scopes { get; init; } = [];
    public bool IsDeclarative { get; init; }
}

/// <summary>Bulk delivery settings.</summary>
public sealed record BulkSubscribe(int MaxMessagesCount, TimeSpan MaxAwaitDuration);

/// <summary>Everything that a folder of resources holds.</summary>
public sealed record ResourceSet(
    IReadOnlyList<ComponentManifest> Components, IReadOnlyList<SubscriptionManifest> Subscriptions, IReadOnlyList<ResiliencyManifest> Resiliency);

/// <summary>A Resiliency resource: its spec as nested maps, and its scopes.</summary>
public sealed record ResiliencyManifest(string Name, IReadOnlyDictionary<string, object?> Spec, IReadOnlyList<string> Scopes);
