using System.Collections.Concurrent;
using System.Globalization;
using Dapr;
using Dapr.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ai.Providers;

/// <summary>Reads the keys; see <see cref="IProviderKeys"/>. An app without a <see cref="DaprClient"/> has no secrets.</summary>
internal sealed partial class ProviderKeyReader(
    IOptions<AiOptions> options, IConfiguration configuration, TimeProvider time, ILogger<ProviderKeyReader> logger, DaprClient? dapr = null) : IProviderKeys
{
    private readonly ConcurrentDictionary<string, Refreshed<ProviderKeys>> _keys = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, Refreshed<Credentials>> _credentials = new(StringComparer.OrdinalIgnoreCase);

    private SecretOptions Settings => options.Value.Secrets;

    public ValueTask<ProviderKeys> OfAsync(string provider, CancellationToken cancellationToken) => Keys(provider).GetAsync(cancellationToken);

    public async ValueTask<string?> CredentialsOfAsync(string provider, CancellationToken cancellationToken)
    {
        if (options.Value.Providers[provider].CredentialsSecret is not { Length: > 0 } secret)
        {
            return null;
        }

        var credentials = await Of(_credentials, provider, last => ReadCredentialsAsync(provider, secret, last)).GetAsync(cancellationToken);
        return credentials.Json ?? throw new ModelException(ModelFailure.NoKey, $"provider '{provider}' has no credentials: {credentials.Reason}");
    }

    public void Reread(string provider)
    {
        if (_keys.TryGetValue(provider, out var keys))
        {
            keys.Expire(Settings.Retry);
        }

        if (_credentials.TryGetValue(provider, out var credentials))
        {
            credentials.Expire(Settings.Retry);
        }
    }

    private Refreshed<ProviderKeys> Keys(string provider) => Of(_keys, provider, last => ReadKeysAsync(provider, last));

    private Refreshed<T> Of<T>(ConcurrentDictionary<string, Refreshed<T>> all, string provider, Func<T?, Task<(T, TimeSpan)>> read) where T : class =>
        all.TryGetValue(provider, out var known) ? known : all.GetOrAdd(provider, _ => new Refreshed<T>(read, time));

    private async Task<(ProviderKeys, TimeSpan)> ReadKeysAsync(string name, ProviderKeys? last)
    {
        var provider = options.Value.Providers[name];
        if (ProviderKinds.NeedsNoKey(provider))
        {
            return (new ProviderKeys([new ProviderKey("none", value: null, new ProviderKeyOptions())], Reason: null), Timeout.InfiniteTimeSpan);
        }

        // Without an entry it is as with an empty one: the environment variable of the kind.
        ProviderKeyOptions[] entries = provider.Keys.Count > 0 ? [.. provider.Keys] : [new ProviderKeyOptions()];
        var keys = new List<ProviderKey>();
        var missing = new List<string>();
        var allRead = true;
        for (var place = 0; place < entries.Length; place++)
        {
            var entry = entries[place];
            if (entry.Secret is { Length: > 0 } secret)
            {
                var (value, reason) = await ReadSecretAsync(name, secret);
                allRead &= value is not null;
                Take(secret, value ?? last?.Keys.FirstOrDefault(key => key.Name == secret)?.Value, reason);
            }
            else if (entry.Value is { Length: > 0 } given)
            {
                Take(string.Create(CultureInfo.InvariantCulture, $"key {place + 1}"), given, reason: null);
            }
            else
            {
                var variable = ProviderKinds.SetVariable(provider.Kind!, configuration);
                Take(variable!, variable is null ? null : configuration[variable], NoVariable(name, provider));
            }

            void Take(string keyName, string? value, string? reason)
            {
                if (value is null)
                {
                    missing.Add(reason!);
                }
                else
                {
                    keys.Add(new ProviderKey(keyName, value, entry));
                }
            }
        }

        var next = new ProviderKeys(keys, missing.Count == 0 ? null : string.Join("; ", missing));
        var due = !allRead ? Settings.Retry : entries.Any(entry => entry.Secret is { Length: > 0 }) ? Settings.Refresh : Timeout.InfiniteTimeSpan;
        return (Changed(name, last, next), due);
    }

    /// <summary>The last instance where nothing has changed, so that whoever built on it need not look.</summary>
    private ProviderKeys Changed(string provider, ProviderKeys? last, ProviderKeys next)
    {
        if (last is not null && last.Reason == next.Reason
            && last.Keys.Select(key => (key.Name, key.Value)).SequenceEqual(next.Keys.Select(key => (key.Name, key.Value))))
        {
            return last;
        }

        if (next.Reason is { } reason)
        {
            LogMissing(provider, reason, next.Keys.Count);
        }
        else if (last is not null)
        {
            LogChanged(provider, next.Keys.Count);
        }

        return next;
    }

    private async Task<(Credentials, TimeSpan)> ReadCredentialsAsync(string provider, string secret, Credentials? last)
    {
        var (json, reason) = await ReadSecretAsync(provider, secret);
        return (new Credentials(json ?? last?.Json, reason), json is null ? Settings.Retry : Settings.Refresh);
    }

    /// <summary>The secret's entry of its own name (a file has no other), or its only one (Kubernetes names them freely).</summary>
    private async Task<(string? Value, string? Reason)> ReadSecretAsync(string provider, string secret)
    {
        if (dapr is null)
        {
            return (null, $"secret '{secret}' needs a sidecar, and this app has none");
        }

        try
        {
            using var limit = new CancellationTokenSource(Settings.Timeout, time);
            var entries = await dapr.GetSecretAsync(Settings.Store, secret, cancellationToken: limit.Token);
            var value = (entries.GetValueOrDefault(secret) ?? (entries.Count == 1 ? entries.Values.Single() : null))?.Trim();
            return string.IsNullOrEmpty(value) ? (null, $"secret '{secret}' of store '{Settings.Store}' has no value under that name") : (value, null);
        }
        catch (Exception exception) when (exception is DaprException or HttpRequestException or OperationCanceledException)
        {
            LogUnread(provider, secret, Settings.Store, exception.Message);
            return (null, $"secret '{secret}' cannot be read from store '{Settings.Store}'");
        }
    }

    private static string NoVariable(string name, ProviderOptions provider)
    {
        var variables = ProviderKinds.KeyVariables(provider.Kind!);
        return variables.Count > 0 ? $"no key: set {variables[0]} or Ai:Providers:{name}:Keys" : $"no key: set Ai:Providers:{name}:Keys";
    }

    private sealed class Credentials(string? json, string? reason)
    {
        public string? Json { get; } = json;

        public string? Reason { get; } = reason;
    }

    [LoggerMessage(1955, LogLevel.Warning, "Provider {Provider} lacks a key ({Reason}); it has {Count}")]
    private partial void LogMissing(string provider, string reason, int count);

    [LoggerMessage(1956, LogLevel.Information, "Provider {Provider}: its keys have changed; it has {Count}")]
    private partial void LogChanged(string provider, int count);

    [LoggerMessage(1957, LogLevel.Warning, "Provider {Provider}: secret {Secret} of store {Store} cannot be read: {Reason}")]
    private partial void LogUnread(string provider, string secret, string store, string reason);
}
