using Contracts;
using Dapr.Client;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Scan.Jobs;

/// <summary>A line of a user's list.</summary>
public sealed record UserScan(Guid JobId, DateTimeOffset CreatedAt, string ImageUrl);

/// <summary>
/// The latest scans of each user, one document per user (<c>scans:{user}</c>), newest first. An index for people: the jobs
/// themselves are event-router's. Adding a known job changes nothing, so a repeated submission lists once.
/// </summary>
internal sealed class UserScans(DaprClient dapr, IOptions<ScanOptions> options)
{
    public async Task<IReadOnlyList<UserScan>> ListAsync(string userId, CancellationToken cancellationToken) =>
        await dapr.GetStateAsync<List<UserScan>?>(Components.StateStore, Key(userId), cancellationToken: cancellationToken) ?? [];

    public Task AddAsync(string userId, UserScan scan, CancellationToken cancellationToken) => dapr.UpdateStateAsync<List<UserScan>>(
        Components.StateStore, Key(userId),
        scans => scans is not null && scans.Any(known => known.JobId == scan.JobId)
            ? scans
            : [scan, .. (scans ?? []).Take(options.Value.ListedScans - 1)],
        options.Value.ListRetention, cancellationToken);

    private static string Key(string userId) => $"scans:{userId}";
}
