using System.Security.Cryptography;
using Auth.Revocations;
using Contracts;
using Dapr.Client;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Auth.ApiKeys;

/// <summary>A key of a machine client: the document <c>api-key:{id}</c>, without its secret.</summary>
/// <param name="Id">Claim <c>sid</c> of its tokens.</param>
/// <param name="UserId">Owner; claim <c>sub</c>.</param>
/// <param name="Name">What the owner calls it.</param>
/// <param name="Hash">See <see cref="ApiKeyText"/>.</param>
/// <param name="Scopes">What it may be used for.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="ExpiresAt">Its end; null for none.</param>
/// <param name="LastUsedOn">Day (UTC) of the last exchange.</param>
/// <param name="RevokedAt">Set before its tokens are revoked: from then on there are no new ones.</param>
public sealed record ApiKey(
    string Id, string UserId, string Name, byte[] Hash, IReadOnlyList<string> Scopes, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt,
    DateOnly? LastUsedOn = null, DateTimeOffset? RevokedAt = null);

/// <summary>The keys of a user: the document <c>api-keys:{user id}</c>. It names a key before the key exists, so that an erasure finds every one.</summary>
public sealed record ApiKeyIndex(IReadOnlyList<ApiKeyEntry> Keys);

/// <param name="Id">Of the key.</param>
/// <param name="At">When it was to be made.</param>
public sealed record ApiKeyEntry(string Id, DateTimeOffset At);

/// <summary>API keys in the state of auth.</summary>
internal sealed class ApiKeyStore(DaprClient dapr, RevocationStore revocations, TimeProvider time, IOptions<AuthOptions> options)
{
    /// <summary>After this an entry without a key is what a crash has left.</summary>
    private static readonly TimeSpan Unfinished = TimeSpan.FromMinutes(10);

    /// <summary>For clocks of other replicas, whose last token may end a little later.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromMinutes(1);

    /// <summary>A new key and its text, which is not kept; null when the user has as many as allowed. A repetition makes another one.</summary>
    public async Task<(ApiKey Key, string Text)?> CreateAsync(
        string userId, string name, IReadOnlyList<string> scopes, TimeSpan? lifetime, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var id = Guid.CreateVersion7(now).ToString("N");
        var known = (await ListAsync(userId, cancellationToken)).Select(key => key.Id).ToHashSet(StringComparer.Ordinal);
        var index = await dapr.UpdateStateAsync<ApiKeyIndex>(
            Components.StateStore, IndexKey(userId),
            stored =>
            {
                var kept = (stored?.Keys ?? []).Where(entry => entry.Id != id && (known.Contains(entry.Id) || entry.At > now - Unfinished)).ToArray();
                return kept.Length >= options.Value.MaxApiKeys ? stored! : new ApiKeyIndex([.. kept, new ApiKeyEntry(id, now)]);
            },
            cancellationToken: cancellationToken);
        if (!index.Keys.Any(entry => entry.Id == id))
        {
            return null;
        }

        var (text, hash) = ApiKeyText.Create(id);
        var key = new ApiKey(id, userId, name, hash, scopes, now, now + lifetime);
        await dapr.UpdateStateAsync<ApiKey>(Components.StateStore, Key(id), stored => stored ?? key, cancellationToken: cancellationToken);
        return (key, text);
    }

    /// <summary>The user's keys, oldest first.</summary>
    public async Task<IReadOnlyList<ApiKey>> ListAsync(string userId, CancellationToken cancellationToken)
    {
        var keys = await Task.WhenAll((await EntriesAsync(userId, cancellationToken)).Select(entry => FindAsync(entry.Id, cancellationToken)));
        return [.. keys.OfType<ApiKey>().Where(key => key.UserId == userId)];
    }

    /// <summary>The key that a text is of, as long as it is valid; else null.</summary>
    public async Task<ApiKey?> VerifyAsync(string text, CancellationToken cancellationToken)
    {
        if (ApiKeyText.Parse(text) is not { } given || await FindAsync(given.Id, cancellationToken) is not { } key
            || !CryptographicOperations.FixedTimeEquals(key.Hash, given.Hash))
        {
            return null;
        }

        var now = time.GetUtcNow();
        if (key.RevokedAt is not null || key.ExpiresAt <= now)
        {
            return null;
        }

        var today = DateOnly.FromDateTime(now.UtcDateTime);
        if (key.LastUsedOn != today)
        {
            // A deleted key stays deleted: the change leaves nothing as it is.
            await dapr.UpdateStateAsync<ApiKey>(
                Components.StateStore, Key(key.Id), stored => stored is null || stored.LastUsedOn == today ? stored! : stored with { LastUsedOn = today },
                cancellationToken: cancellationToken);
        }

        return key;
    }

    /// <summary>
    /// Ends a key of the user and its tokens; false when there is no such key. Killed in between it is repeated: marked first, so that no token is
    /// issued after what is revoked; gone last.
    /// </summary>
    public async Task<bool> DeleteAsync(string userId, string id, string reason, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var key = await dapr.UpdateStateAsync<ApiKey>(
            Components.StateStore, Key(id), stored => stored?.UserId == userId && stored.RevokedAt is null ? stored with { RevokedAt = now } : stored!,
            cancellationToken: cancellationToken);
        if (key?.UserId != userId)
        {
            return false;
        }

        await revocations.RevokeAsync(id, key.RevokedAt!.Value + options.Value.ApiKeyTokenLifetime + Margin, reason, cancellationToken);
        await dapr.DeleteStateAsync(Components.StateStore, Key(id), cancellationToken: cancellationToken);
        await dapr.UpdateStateAsync<ApiKeyIndex>(
            Components.StateStore, IndexKey(userId),
            stored => stored?.Keys.Any(entry => entry.Id == id) == true ? new ApiKeyIndex([.. stored.Keys.Where(entry => entry.Id != id)]) : stored!,
            cancellationToken: cancellationToken);
        return true;
    }

    /// <summary>Ends all keys of the user; the index goes last, so that a repetition finds what is left.</summary>
    public async Task EraseAsync(string userId, CancellationToken cancellationToken)
    {
        foreach (var entry in await EntriesAsync(userId, cancellationToken))
        {
            await DeleteAsync(userId, entry.Id, "user_deleted", cancellationToken);
        }

        await dapr.DeleteStateAsync(Components.StateStore, IndexKey(userId), cancellationToken: cancellationToken);
    }

    private async Task<IReadOnlyList<ApiKeyEntry>> EntriesAsync(string userId, CancellationToken cancellationToken) =>
        (await dapr.GetStateAsync<ApiKeyIndex?>(Components.StateStore, IndexKey(userId), cancellationToken: cancellationToken))?.Keys ?? [];

    private Task<ApiKey?> FindAsync(string id, CancellationToken cancellationToken) =>
        dapr.GetStateAsync<ApiKey?>(Components.StateStore, Key(id), cancellationToken: cancellationToken);

    private static string Key(string id) => $"api-key:{id}";

    private static string IndexKey(string userId) => $"api-keys:{userId}";
}
