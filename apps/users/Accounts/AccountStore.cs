using Contracts;
using Dapr.Client;
using ServiceDefaults;

namespace Users.Accounts;

/// <summary>Reads and changes accounts, one state document each.</summary>
internal sealed class AccountStore(DaprClient dapr)
{
    public async Task<Account> GetAsync(string userId, CancellationToken cancellationToken) =>
        await dapr.GetStateAsync<Account?>(Components.StateStore, Key(userId), cancellationToken: cancellationToken) ?? Account.Empty;

    public Task<Account> UpdateAsync(string userId, Func<Account, Account> change, CancellationToken cancellationToken) =>
        dapr.UpdateStateAsync<Account>(
            Components.StateStore, Key(userId), account => change(account ?? Account.Empty), cancellationToken: cancellationToken);

    private static string Key(string userId) => $"user:{userId}";
}
