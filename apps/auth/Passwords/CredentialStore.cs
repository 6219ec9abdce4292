using Contracts;
using Dapr.Client;
using ServiceDefaults;

namespace Auth.Passwords;

/// <summary>A password account: the document <c>credential:{SHA-256 of the normal e-mail address}</c>, made by first-write.</summary>
/// <param name="AccountId">Who it is for users: provider <c>password</c>, provider user id this. New when the address registers again after a deletion.</param>
/// <param name="Password">Present password.</param>
/// <param name="ChangedAt">When it was chosen.</param>
/// <param name="UserId">The account in users, known since the first sign-in that got through.</param>
public sealed record Credential(string AccountId, PasswordHash Password, DateTimeOffset ChangedAt, string? UserId = null);

/// <summary>Which credential a user has: the document <c>credential-of:{user id}</c>, written before the credential names the user.</summary>
/// <param name="EmailHash">Key of the credential.</param>
/// <param name="AccountId">Which one: the address may have been registered again.</param>
public sealed record CredentialOwner(string EmailHash, string AccountId);

/// <summary>Credentials in the state of auth.</summary>
internal sealed class CredentialStore(DaprClient dapr)
{
    public Task<Credential?> FindAsync(string emailHash, CancellationToken cancellationToken) =>
        dapr.GetStateAsync<Credential?>(Components.StateStore, Key(emailHash), cancellationToken: cancellationToken);

    /// <summary>Which credential a user has; null for somebody without a password.</summary>
    public Task<CredentialOwner?> OwnerAsync(string userId, CancellationToken cancellationToken) =>
        dapr.GetStateAsync<CredentialOwner?>(Components.StateStore, OwnerKey(userId), cancellationToken: cancellationToken);

    /// <summary>Makes the credential unless there is one; returns what is stored.</summary>
    public Task<Credential> CreateAsync(string emailHash, Credential credential, CancellationToken cancellationToken) =>
        dapr.UpdateStateAsync<Credential>(Components.StateStore, Key(emailHash), stored => stored ?? credential, cancellationToken: cancellationToken);

    /// <summary>Notes whose it is. Idempotent; nothing of a credential is out of the reach of an erasure at any time.</summary>
    public async Task BelongsToAsync(string emailHash, Credential credential, string userId, CancellationToken cancellationToken)
    {
        if (credential.UserId == userId)
        {
            return;
        }

        await dapr.UpdateStateAsync<CredentialOwner>(
            Components.StateStore, OwnerKey(userId),
            stored => stored?.AccountId == credential.AccountId ? stored : new CredentialOwner(emailHash, credential.AccountId),
            cancellationToken: cancellationToken);
        await ChangeAsync(emailHash, credential.AccountId, stored => stored.UserId == userId ? stored : stored with { UserId = userId }, cancellationToken);
    }

    /// <summary>Replaces the password if it is still the one that was checked; the credential with the new one, or null.</summary>
    public async Task<Credential?> ReplaceAsync(
        string emailHash, Credential checkedOne, PasswordHash password, DateTimeOffset at, CancellationToken cancellationToken)
    {
        var changed = await ChangeAsync(
            emailHash, checkedOne.AccountId,
            stored => stored.Password.IsSameAs(checkedOne.Password) ? stored with { Password = password, ChangedAt = at } : stored, cancellationToken);
        return changed?.Password.IsSameAs(password) == true ? changed : null;
    }

    /// <summary>Deletes what the user has. The way to the credential goes last, so that a repetition finds what is left.</summary>
    public async Task EraseAsync(string userId, CancellationToken cancellationToken)
    {
        if (await OwnerAsync(userId, cancellationToken) is not { } owner)
        {
            return;
        }

        var key = Key(owner.EmailHash);
        var (credential, etag) = await dapr.GetStateAndETagAsync<Credential?>(Components.StateStore, key, cancellationToken: cancellationToken);
        if (credential?.AccountId == owner.AccountId && !await dapr.TryDeleteStateAsync(Components.StateStore, key, etag, cancellationToken: cancellationToken))
        {
            throw new InvalidOperationException("The credential changed while it was erased; the erasure is repeated");
        }

        await dapr.DeleteStateAsync(Components.StateStore, OwnerKey(userId), cancellationToken: cancellationToken);
    }

    private static string Key(string emailHash) => $"credential:{emailHash}";

    private static string OwnerKey(string userId) => $"credential-of:{userId}";

    /// <summary>Changes the credential if it is still the same account's; a deleted one stays deleted.</summary>
    private async Task<Credential?> ChangeAsync(string emailHash, string accountId, Func<Credential, Credential> change, CancellationToken cancellationToken) =>
        await dapr.UpdateStateAsync<Credential>(
            Components.StateStore, Key(emailHash), stored => stored?.AccountId == accountId ? change(stored) : stored!, cancellationToken: cancellationToken);
}
