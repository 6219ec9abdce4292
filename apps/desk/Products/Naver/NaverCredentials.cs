using Contracts;
using Dapr;
using Dapr.Client;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Desk.Products.Naver;

/// <summary>What the application is known by at Naver. Never written anywhere.</summary>
public sealed class NaverKey(string id, string secret)
{
    /// <summary>Client id.</summary>
    public string Id => id;

    /// <summary>Client secret.</summary>
    public string Secret => secret;

    internal bool IsSame(NaverKey? other) => other?.Id == Id && other.Secret == Secret;
}

/// <summary>
/// The credentials, from the secret store, read again now and then so that new ones need no restart. What was read once stays in use while the store is away.
/// </summary>
public sealed partial class NaverCredentials(DaprClient dapr, IOptions<NaverOptions> options, TimeProvider time, ILogger<NaverCredentials> logger)
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private (NaverKey? Key, DateTimeOffset Until)? _kept;
    private volatile Refusal? _refused;

    /// <summary>The credentials; null when there are none, or the store cannot be asked and never could.</summary>
    public async Task<NaverKey?> FindAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_kept is not { } kept || kept.Until <= time.GetUtcNow())
            {
                var (key, isTold) = await AskAsync(cancellationToken);
                if (key is null && _kept is null or { Key: not null })
                {
                    LogNone(options.Value.Secret, Components.Secrets, _kept is null ? "there is no search at Naver" : "the last ones stay in use");
                }

                _kept = kept = (key ?? _kept?.Key, time.GetUtcNow() + (isTold ? options.Value.CredentialsKept : options.Value.CredentialsTimeout));
            }

            return kept.Key;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>The credentials, if they may be used now.</summary>
    internal async Task<NaverKey> GetAsync(CancellationToken cancellationToken)
    {
        var key = await FindAsync(cancellationToken)
            ?? throw new ProductSearchException(ProductSearchFailure.NoCredentials, $"secret '{options.Value.Secret}' of component '{Components.Secrets}' has no credentials");
        return IsRefused(key)
            ? throw new ProductSearchException(ProductSearchFailure.Unauthorized, "Naver has refused these credentials; they are tried again later or when they change")
            : key;
    }

    /// <summary>Naver does not accept them.</summary>
    internal void Refuse(NaverKey key)
    {
        if (!IsRefused(key))
        {
            _refused = new Refusal(key, time.GetUtcNow() + options.Value.CredentialsPause);
            LogRefused(options.Value.Secret, options.Value.CredentialsPause);
        }
    }

    private bool IsRefused(NaverKey key) => _refused is { } refused && refused.Key.IsSame(key) && refused.Until > time.GetUtcNow();

    /// <summary>What the store tells in time, if it does.</summary>
    private async Task<(NaverKey? Key, bool IsTold)> AskAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(options.Value.CredentialsTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return (await ReadAsync(either.Token), true);
        }
        catch (Exception) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return (null, false);
        }
    }

    private async Task<NaverKey?> ReadAsync(CancellationToken cancellationToken)
    {
        var (name, id, secret) = (options.Value.Secret, options.Value.IdEntry, options.Value.SecretEntry);
        if (await EntriesAsync(name, cancellationToken) is { } entries)
        {
            return Of(entries, id, secret);
        }

        // A file that is not read with `multiValued` has names of its nested members and no secret of the outer name.
        return await EntriesAsync($"{name}:{id}", cancellationToken) is { Count: 1 } first && await EntriesAsync($"{name}:{secret}", cancellationToken) is { Count: 1 } second
            ? Of(new Dictionary<string, string> { [id] = first.Values.Single(), [secret] = second.Values.Single() }, id, secret)
            : null;
    }

    private async Task<IReadOnlyDictionary<string, string>?> EntriesAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            return await dapr.ReadSecretEntriesAsync(name, cancellationToken);
        }
        catch (Exception exception) when (exception is DaprException or HttpRequestException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            // A secret that is not there looks like a store that is not.
            return null;
        }
    }

    private static NaverKey? Of(IReadOnlyDictionary<string, string> entries, string id, string secret) =>
        entries.GetValueOrDefault(id)?.Trim() is { Length: > 0 } first && entries.GetValueOrDefault(secret)?.Trim() is { Length: > 0 } second ? new NaverKey(first, second) : null;

    private sealed record Refusal(NaverKey Key, DateTimeOffset Until);

    [LoggerMessage(2243, LogLevel.Information, "Secret {Secret} of component {Store} has no credentials for Naver: {Consequence}")]
    private partial void LogNone(string secret, string store, string consequence);

    [LoggerMessage(2244, LogLevel.Error, "Naver does not accept the credentials of secret {Secret}; they are tried again after {Pause} or when they change")]
    private partial void LogRefused(string secret, TimeSpan pause);
}
