namespace Sidecar.Abstractions;

/// <summary>A secret store.</summary>
public interface ISecretStore : IComponent
{
    /// <summary>Whether one secret can hold several values (<c>MULTIPLE_KEY_VALUES_PER_SECRET</c>).</summary>
    bool MultipleValuesPerSecret { get; }

    /// <summary>The values of a secret by sub-key (a single-valued secret has one entry named as the secret), or null when unknown.</summary>
    ValueTask<IReadOnlyDictionary<string, string>?> GetAsync(string name, ComponentMetadata metadata, CancellationToken cancellationToken);

    /// <summary>All secrets.</summary>
    ValueTask<IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>>> GetAllAsync(ComponentMetadata metadata, CancellationToken cancellationToken);
}

/// <summary>A lock store. Resource ids arrive with their prefix applied.</summary>
public interface ILockStore : IComponent
{
    /// <summary>One try: true when the lock is now the owner's for <paramref name="expiry"/>, false when somebody holds it.</summary>
    ValueTask<bool> TryLockAsync(string resourceId, string owner, TimeSpan expiry, CancellationToken cancellationToken);

    /// <summary>Gives the lock back.</summary>
    ValueTask<UnlockStatus> UnlockAsync(string resourceId, string owner, CancellationToken cancellationToken);
}

/// <summary>Outcome of an unlock; the numbers are Dapr's.</summary>
public enum UnlockStatus
{
    /// <summary>Released.</summary>
    Success = 0,
    /// <summary>Nobody holds it.</summary>
    LockDoesNotExist = 1,
    /// <summary>Another owner holds it.</summary>
    LockBelongsToOthers = 2,
    /// <summary>The store failed.</summary>
    InternalError = 3,
}

/// <summary>A configuration store.</summary>
public interface IConfigurationStore : IComponent
{
    /// <summary>The items of the keys, or all when no key is given; unknown keys are left out.</summary>
    ValueTask<IReadOnlyDictionary<string, ConfigurationItem>> GetAsync(IReadOnlyList<string> keys, ComponentMetadata metadata, CancellationToken cancellationToken);

    /// <summary>
    /// Calls <paramref name="changed"/> with each change of the keys, or of every key when none is given, until the result is disposed: one
    /// call at a time per key, in the order of the changes. A store whose server does not say what changed tells the newest value of several
    /// quick changes once. A removed item has an empty value and version. The call neither blocks nor throws.
    /// </summary>
    Task<IAsyncDisposable> SubscribeAsync(
        IReadOnlyList<string> keys, ComponentMetadata metadata, Action<string, ConfigurationItem> changed, CancellationToken cancellationToken);
}

/// <summary>A configuration value.</summary>
/// <param name="Value">The value.</param>
/// <param name="Version">Opaque version, possibly empty.</param>
/// <param name="Metadata">What the store adds.</param>
public sealed record ConfigurationItem(string Value, string Version, ComponentMetadata Metadata);
