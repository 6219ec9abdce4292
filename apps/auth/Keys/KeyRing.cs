using System.Net;
using Contracts;
using Dapr;
using Dapr.Client;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Auth.Keys;

/// <summary>
/// The keys that sign, in the state of auth, so that its replicas share them. Each replica reads them again all the time and does what is due:
/// publishes the successor of a key that grows old, removes keys of which every token has expired. A rotation is one write under the etag, so
/// replicas that see the same need make one key.
/// </summary>
internal sealed partial class KeyRing(
    DaprClient dapr, VerificationKeys verification, TimeProvider time, IOptions<AuthOptions> options, IOptions<IdentityOptions> identity, ILogger<KeyRing> logger)
    : BackgroundService
{
    /// <summary>Key of the document in the state of auth.</summary>
    public const string StateKey = "keys";

    /// <summary>Between tries while there are no keys, and before a name that is not known is looked for.</summary>
    private static readonly TimeSpan ShortPause = TimeSpan.FromMilliseconds(500);

    private readonly Lock _gate = new();
    private readonly AuthOptions _options = options.Value;

    private volatile KeyEncryption? _encryption;
    private volatile StoredKeys? _stored;
    private volatile IReadOnlyDictionary<string, SigningKey> _keys = new Dictionary<string, SigningKey>();
    private bool _isStarted;

    /// <summary>Why the keys could not be read; null when they could.</summary>
    public string? Failure { get; private set; } = "they were not read yet";

    /// <summary>Signs new tokens. Throws what becomes 503 before the first keys are there.</summary>
    public SigningKey Active => _stored is { } stored && _keys.TryGetValue(stored.SigningAt(time.GetUtcNow()).KeyId, out var key)
        ? key
        : throw new HttpRequestException($"The signing keys are not there: {Failure}", null, HttpStatusCode.ServiceUnavailable);

    /// <summary>What verifies tokens, for everybody; with the key that signs next.</summary>
    public JsonWebKeySet Public { get; private set; } = new([]);

    /// <summary>Whether tokens can be signed.</summary>
    public bool IsLoaded => _stored is not null;

    /// <summary>How long something that a key signed can be valid after its successor has begun: a replica may hear of that late.</summary>
    private TimeSpan LongestToken =>
        (_options.RefreshLifetime > _options.AccessLifetime ? _options.RefreshLifetime : _options.AccessLifetime) + _options.KeyReload + (2 * identity.Value.Leeway);

    /// <summary>The keys as an operator sees them.</summary>
    public IReadOnlyList<KeyState> List()
    {
        if (_stored is not { } stored)
        {
            return [];
        }

        var now = time.GetUtcNow();
        var signing = stored.SigningAt(now);
        return
        [
            .. stored.Keys.Select(key => new KeyState(
                key.KeyId, key.Algorithm, key == signing ? KeyState.Signing : key.SignsFrom > now ? KeyState.Next : KeyState.Verifying,
                key.CreatedAt, key.SignsFrom, stored.EndOf(key, LongestToken))),
        ];
    }

    /// <summary>
    /// A new key: it signs after the overlap, or now, and then alone. Idempotent by its id; without <paramref name="now"/> also while
    /// another one waits for its time.
    /// </summary>
    public async Task RotateAsync(string keyId, bool now, CancellationToken cancellationToken)
    {
        if (!now && !IsLoaded)
        {
            throw new KeyRingException(Failure!);
        }

        var encryption = await EncryptionAsync(cancellationToken);
        await UseAsync(encryption, stored =>
        {
            var at = time.GetUtcNow();
            return stored?.Keys.Any(key => key.KeyId == keyId) == true || (!now && stored?.Keys[^1].SignsFrom > at) ? stored
                : now || stored is null ? new StoredKeys([Create(encryption, keyId, at, at)])
                : new StoredKeys([.. stored.Keys, Create(encryption, keyId, at, at + _options.KeyOverlap)]);
        }, cancellationToken);
    }

    /// <summary>The first try comes before the first request; a failure stops nothing.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await TryReadAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var readings = new KeyReadings(verification, time);
        try
        {
            while (true)
            {
                var pause = ShortPause < _options.KeyReload ? ShortPause : _options.KeyReload;
                await readings.WaitAsync(pause, IsLoaded ? _options.KeyReload : pause, stoppingToken);
                readings.Begin();
                await TryReadAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The app stops.
        }
    }

    private async Task TryReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            var encryption = await EncryptionAsync(cancellationToken);
            await UseAsync(encryption, stored => Maintain(encryption, stored), cancellationToken);
        }
        catch (Exception exception) when (exception is DaprException or HttpRequestException or KeyRingException or OperationCanceledException
            && !cancellationToken.IsCancellationRequested)
        {
            // The secret may be another one by the next try.
            _encryption = exception is KeyRingException ? null : _encryption;
            if (Failure != exception.Message)
            {
                Failure = exception.Message;
                LogUnreadable(logger, exception.Message);
            }
        }
    }

    private async Task<KeyEncryption> EncryptionAsync(CancellationToken cancellationToken)
    {
        if (_encryption is { } known)
        {
            return known;
        }

        var secret = await dapr.GetSecretAsync(Components.Secrets, KeyEncryption.SecretName, cancellationToken: cancellationToken);
        return _encryption = new KeyEncryption(secret.GetValueOrDefault(KeyEncryption.SecretName));
    }

    /// <summary>What is due. The same reference when nothing is.</summary>
    private StoredKeys Maintain(KeyEncryption encryption, StoredKeys? stored)
    {
        var now = time.GetUtcNow();
        if (stored is not { Keys.Count: > 0 })
        {
            // Lost from the store under our hands: what we know is still what others verify with.
            return _stored ?? new StoredKeys([Create(encryption, NewId(now), now, now)]);
        }

        var kept = stored.WithoutEnded(now, LongestToken);
        var newest = kept.Keys[^1];
        var isOld = newest.SignsFrom + _options.KeyLifetime - _options.KeyOverlap <= now;
        // Only at start: replicas with other settings, of before a change, would go on making theirs.
        var isOther = !_isStarted && newest.Algorithm != _options.Algorithm;
        return isOld || isOther ? new StoredKeys([.. kept.Keys, Create(encryption, NewId(now), now, now + _options.KeyOverlap)]) : kept;
    }

    private async Task UseAsync(KeyEncryption encryption, Func<StoredKeys?, StoredKeys> change, CancellationToken cancellationToken)
    {
        var stored = await dapr.UpdateStateAsync(Components.StateStore, StateKey, change, cancellationToken: cancellationToken);
        lock (_gate)
        {
            Use(encryption, stored);
        }
    }

    private void Use(KeyEncryption encryption, StoredKeys stored)
    {
        var known = _keys;
        var keys = stored.Keys.ToDictionary(
            key => key.KeyId, key => known.GetValueOrDefault(key.KeyId) ?? SigningKey.Import(key.KeyId, key.Algorithm, encryption.Decrypt(key.Encrypted)));
        Public = new JsonWebKeySet([.. stored.Keys.Select(key => keys[key.KeyId].ToPublic())]);
        verification.Use(Public);
        (_keys, _stored, _isStarted, Failure) = (keys, stored, true, null);
        foreach (var key in stored.Keys.Where(key => !known.ContainsKey(key.KeyId)))
        {
            LogAdded(logger, key.KeyId, key.Algorithm, key.SignsFrom);
        }

        foreach (var id in known.Keys.Where(id => !keys.ContainsKey(id)))
        {
            LogRemoved(logger, id);
        }
    }

    private static string NewId(DateTimeOffset now) => Guid.CreateVersion7(now).ToString("N");

    private StoredKey Create(KeyEncryption encryption, string keyId, DateTimeOffset now, DateTimeOffset signsFrom)
    {
        using var key = SigningKey.Create(keyId, _options.Algorithm);
        return new StoredKey(key.KeyId, key.Algorithm, now, signsFrom, encryption.Encrypt(key.ExportPkcs8()));
    }

    [LoggerMessage(2000, LogLevel.Error, "The signing keys cannot be read; this is tried again: {Reason}")]
    private static partial void LogUnreadable(ILogger logger, string reason);

    [LoggerMessage(2006, LogLevel.Information, "Key {KeyId} ({Algorithm}) verifies tokens; it signs from {SignsFrom:O}")]
    private static partial void LogAdded(ILogger logger, string keyId, string algorithm, DateTimeOffset signsFrom);

    [LoggerMessage(2007, LogLevel.Information, "Key {KeyId} does not verify tokens any more")]
    private static partial void LogRemoved(ILogger logger, string keyId);
}
