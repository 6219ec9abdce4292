using Contracts;
using Dapr.Client;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Auth.Sessions;

/// <summary>The sessions of a person: the document <c>sessions:{user id}</c>, oldest first.</summary>
public sealed record SessionList(IReadOnlyList<SessionEntry> Sessions);

/// <summary>A session that has not ended, or whose end is not finished yet.</summary>
/// <param name="Id">Session.</param>
/// <param name="ExpiresAt">When nothing of it is valid any more.</param>
public sealed record SessionEntry(string Id, DateTimeOffset ExpiresAt);

/// <summary>
/// Finds the sessions of a person. A session is in the list before its first token is given out, and leaves it as the last step of its end: what is
/// in the list may still have to be ended or revoked, what is not has nothing left that is valid.
/// </summary>
internal sealed class SessionIndex(DaprClient dapr, TimeProvider time, IOptions<AuthOptions> options)
{
    public async Task<IReadOnlyList<SessionEntry>> GetAsync(string userId, CancellationToken cancellationToken) =>
        (await dapr.GetStateAsync<SessionList?>(Components.StateStore, Key(userId), cancellationToken: cancellationToken))?.Sessions ?? [];

    /// <summary>Adds a session and forgets those that have expired.</summary>
    public async Task<IReadOnlyList<SessionEntry>> AddAsync(string userId, SessionEntry entry, CancellationToken cancellationToken) =>
        await ChangeAsync(userId, entries => entries.Any(one => one.Id == entry.Id)
            ? null
            : [.. entries.Where(one => one.ExpiresAt > time.GetUtcNow()), entry], cancellationToken);

    /// <summary>Moves the end of a session that is refreshed; one that is not there any more stays away.</summary>
    public Task ExtendAsync(string userId, SessionEntry entry, CancellationToken cancellationToken) =>
        ChangeAsync(userId, entries => entries.Any(one => one.Id == entry.Id && one.ExpiresAt < entry.ExpiresAt)
            ? [.. entries.Select(one => one.Id == entry.Id ? entry : one)]
            : null, cancellationToken);

    public Task RemoveAsync(string userId, string id, CancellationToken cancellationToken) =>
        ChangeAsync(userId, entries => entries.Any(one => one.Id == id) ? [.. entries.Where(one => one.Id != id)] : null, cancellationToken);

    public Task DeleteAsync(string userId, CancellationToken cancellationToken) =>
        dapr.DeleteStateAsync(Components.StateStore, Key(userId), cancellationToken: cancellationToken);

    private static string Key(string userId) => $"sessions:{userId}";

    /// <summary>The change returns null to leave the list as it is.</summary>
    private async Task<IReadOnlyList<SessionEntry>> ChangeAsync(
        string userId, Func<IReadOnlyList<SessionEntry>, IReadOnlyList<SessionEntry>?> change, CancellationToken cancellationToken)
    {
        var list = await dapr.UpdateStateAsync<SessionList>(
            Components.StateStore, Key(userId), stored => change(stored?.Sessions ?? []) is { } changed ? new SessionList(changed) : stored!,
            options.Value.SessionLifetime, cancellationToken);
        return list?.Sessions ?? [];
    }
}
