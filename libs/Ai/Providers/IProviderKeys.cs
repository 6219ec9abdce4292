namespace Ai.Providers;

/// <summary>
/// Where the keys of the providers come from. Each key of <see cref="ProviderOptions.Keys"/> has one source: its secret in the Dapr secret store, its value
/// in the configuration, or the environment variable of the provider's kind (<see cref="ProviderKinds"/>). Secrets are read when they are first needed and
/// again every <see cref="SecretOptions.Refresh"/>, while the last ones are used; a secret that cannot be read again stays as it was.
/// </summary>
public interface IProviderKeys
{
    /// <summary>
    /// The keys that may be used now. Never fails: without any, <see cref="ProviderKeys.Reason"/> says why. Where the provider needs none it is one key
    /// without a value. The same instance until something changes.
    /// </summary>
    ValueTask<ProviderKeys> OfAsync(string provider, CancellationToken cancellationToken);

    /// <summary>
    /// The JSON of <see cref="ProviderOptions.CredentialsSecret"/>; null where none is named. Throws <see cref="ModelException"/> of
    /// <see cref="ModelFailure.NoKey"/> when it is named and cannot be read.
    /// </summary>
    ValueTask<string?> CredentialsOfAsync(string provider, CancellationToken cancellationToken);

    /// <summary>Has the secrets of a provider read again soon, because it refused one; at most once in <see cref="SecretOptions.Retry"/>.</summary>
    void Reread(string provider);
}

/// <summary>The keys of one provider.</summary>
/// <param name="Keys">Those that have a value, or one without a value where the provider needs none.</param>
/// <param name="Reason">What is missing, for people; null when nothing is.</param>
public sealed record ProviderKeys(IReadOnlyList<ProviderKey> Keys, string? Reason);

/// <summary>One key.</summary>
/// <param name="name">What it is called in logs and errors: its secret, its place in the configuration or its environment variable.</param>
/// <param name="value">The key itself; null where the provider needs none. Never in a message, a log or a trace.</param>
/// <param name="options">Its share of the load and its limits.</param>
public sealed class ProviderKey(string name, string? value, ProviderKeyOptions options)
{
    /// <summary>What it is called in logs and errors.</summary>
    public string Name { get; } = name;

    /// <summary>The key itself; null where the provider needs none.</summary>
    public string? Value { get; } = value;

    /// <summary>Its share of the load and its limits.</summary>
    public ProviderKeyOptions Options { get; } = options;

    /// <summary>Without the value.</summary>
    public override string ToString() => Name;
}
