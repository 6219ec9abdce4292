using Contracts;
using Dapr.Client;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Users.Accounts;

/// <summary>Reads and changes accounts, one state document each.</summary>
internal sealed class AccountStore(DaprClient dapr, IdentityStore identities, IOptions<UsersOptions> options)
{
    private const string Guest = "guest";

    /// <summary>The caller's account; null when it was deleted or never existed. A guest has one without a document.</summary>
    public async Task<Account?> FindAsync(UserIdentity user, CancellationToken cancellationToken)
    {
        var account = await GetAsync(user.Id, cancellationToken);
        return account is null && user.Provider == Guest ? Account.Empty : account is { DeletedAt: null } ? account : null;
    }

    /// <summary>The document, also of a deleted account.</summary>
    public async Task<Account?> GetAsync(string userId, CancellationToken cancellationToken) =>
        await dapr.GetStateAsync<Account?>(Components.StateStore, Key(userId), cancellationToken: cancellationToken);

    /// <summary>Changes an account and returns what is stored then. A deleted one is not changed: look at <see cref="Account.DeletedAt"/> of the answer.</summary>
    public Task<Account> UpdateAsync(string userId, Func<Account, Account> change, CancellationToken cancellationToken) =>
        dapr.UpdateStateAsync<Account>(
            Components.StateStore, Key(userId),
            account => account is { DeletedAt: not null } ? account : change(account ?? Account.Empty),
            cancellationToken: cancellationToken);

    /// <summary>
    /// Empties the account for good and frees its ways of signing in. Every step may be repeated: the mark comes first, so that nobody adds anything
    /// any more, and it keeps the ways of signing in until their documents are gone.
    /// </summary>
    public async Task DeleteAsync(string userId, DateTimeOffset at, CancellationToken cancellationToken)
    {
        var kept = options.Value.ErasureKept;
        var deleted = await dapr.UpdateStateAsync<Account>(
            Components.StateStore, Key(userId),
            account => account is { DeletedAt: not null } ? account : Account.Empty with { DeletedAt = at, LinkedAccounts = account?.LinkedAccounts ?? [] },
            kept, cancellationToken);
        foreach (var link in deleted.LinkedAccounts)
        {
            await identities.ReleaseAsync(link.Provider, link.ProviderUserId, userId, cancellationToken);
        }

        await dapr.UpdateStateAsync<Account>(
            Components.StateStore, Key(userId),
            account => account is { LinkedAccounts.Count: 0 } ? account : Account.Empty with { DeletedAt = at }, kept, cancellationToken);
    }

    private static string Key(string userId) => $"user:{userId}";
}
