using Contracts;
using Contracts.Identity;
using ServiceDefaults;

namespace Auth.UserRoles;

/// <summary>Who is an administrator by his roles: the document <c>administrators</c>, through which removals go one after the other.</summary>
public sealed record AdministratorList(IReadOnlyList<string> UserIds);

internal sealed partial class RoleStore
{
    private const string AdministratorsKey = "administrators";

    /// <summary>
    /// Gives a person these roles and no others; false when nobody would be administrator any more. Idempotent. The list of administrators shrinks
    /// before the role is taken and grows after it is given: killed in between it has too few, never too many, and a repetition completes it.
    /// </summary>
    public async Task<bool> SetAsync(string userId, IReadOnlyList<string> roles, string byUserId, CancellationToken cancellationToken)
    {
        var kept = roles.Where(role => role != Roles.User).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray();
        var isAdmin = kept.Contains(Roles.Admin);
        if (!isAdmin && !await LeaveAdministratorsAsync(userId, byUserId, cancellationToken))
        {
            return false;
        }

        await dapr.UpdateStateAsync<RoleDocument>(
            Components.StateStore, Key(userId),
            stored => stored is not null && stored.Roles.SequenceEqual(kept) ? stored : (stored ?? new RoleDocument([])) with { Roles = kept },
            cancellationToken: cancellationToken);
        if (isAdmin)
        {
            await dapr.UpdateStateAsync<AdministratorList>(
                Components.StateStore, AdministratorsKey,
                stored => stored?.UserIds.Contains(userId) == true ? stored : new AdministratorList([.. stored?.UserIds ?? [], userId]),
                cancellationToken: cancellationToken);
        }

        return true;
    }

    /// <summary>Whether <see cref="AuthOptions.Administrators"/> lists the person, so that no document can take the role away.</summary>
    public async Task<bool> IsConfiguredAsync(string userId, CancellationToken cancellationToken) =>
        IsConfigured(userId, await FindAsync(userId, cancellationToken));

    /// <summary>Forgets a person, the last administrator too: the option makes others.</summary>
    public async Task EraseAsync(string userId, CancellationToken cancellationToken)
    {
        await dapr.UpdateStateAsync<AdministratorList>(
            Components.StateStore, AdministratorsKey,
            stored => stored?.UserIds.Contains(userId) == true ? new AdministratorList([.. stored.UserIds.Where(id => id != userId)]) : stored!,
            cancellationToken: cancellationToken);
        await dapr.DeleteStateAsync(Components.StateStore, Key(userId), cancellationToken: cancellationToken);
    }

    /// <summary>
    /// Takes a person off the list if somebody stays: another one of the list, or who asks, being listed by the option. Two who remove each other at
    /// the same time meet at this document, and the second one fails.
    /// </summary>
    private async Task<bool> LeaveAdministratorsAsync(string userId, string byUserId, CancellationToken cancellationToken)
    {
        var callerStays = byUserId != userId && await IsConfiguredAsync(byUserId, cancellationToken);
        var allowed = true;
        await dapr.UpdateStateAsync<AdministratorList>(
            Components.StateStore, AdministratorsKey,
            stored =>
            {
                var others = (stored?.UserIds ?? []).Where(id => id != userId).ToArray();
                allowed = callerStays || others.Length > 0 || (stored?.UserIds.Contains(userId) != true && byUserId != userId);
                return allowed && others.Length != (stored?.UserIds.Count ?? 0) ? new AdministratorList(others) : stored!;
            },
            cancellationToken: cancellationToken);
        return allowed;
    }
}
