using Contracts;
using Dapr.Client;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Scan.Jobs;

/// <summary>A line of a user's list.</summary>
public sealed record UserScan(Guid JobId, DateTimeOffset CreatedAt, string ImageUrl);

/// <summary>A scan that has left the list while its log may still exist.</summary>
public sealed record EarlierScan(Guid JobId, DateTimeOffset CreatedAt);

/// <summary>The document <c>history:{user}</c>.</summary>
/// <param name="Scans">The list, newest first.</param>
/// <param name="Earlier">Scans that are not listed any more, newest first: only an erasure goes by them.</param>
/// <param name="ErasedAt">When the person deleted the account: nothing is added from then on.</param>
public sealed record ScanHistory(IReadOnlyList<UserScan> Scans, IReadOnlyList<EarlierScan> Earlier, DateTimeOffset? ErasedAt = null)
{
    /// <summary>Nothing yet.</summary>
    public static readonly ScanHistory Empty = new([], []);
}

/// <summary>
/// The scans of each user, one document per user. The jobs themselves are event-router's; this says which they are, to people and to an erasure.
/// Adding a known job changes nothing, so a repeated submission lists once.
/// </summary>
internal sealed class UserScans(DaprClient dapr, IOptions<ScanOptions> options, TimeProvider time)
{
    public async Task<IReadOnlyList<UserScan>> ListAsync(string userId, CancellationToken cancellationToken) =>
        (await dapr.GetStateAsync<ScanHistory?>(Components.StateStore, Key(userId), cancellationToken: cancellationToken))?.Scans ?? [];

    /// <summary>False when the person has deleted the account: then the scan must not stay either.</summary>
    public async Task<bool> TryAddAsync(string userId, UserScan scan, CancellationToken cancellationToken)
    {
        var settings = options.Value;
        var gone = time.GetUtcNow() - settings.EarlierScansKept;
        var history = await dapr.UpdateStateAsync<ScanHistory>(
            Components.StateStore, Key(userId),
            stored => stored is { ErasedAt: not null } || stored?.Scans.Any(known => known.JobId == scan.JobId) == true ? stored! : Add(stored ?? ScanHistory.Empty),
            settings.ListRetention, cancellationToken);
        return history.ErasedAt is null;

        ScanHistory Add(ScanHistory history)
        {
            var dropped = history.Scans.Skip(settings.ListedScans - 1).Select(old => new EarlierScan(old.JobId, old.CreatedAt));
            return new ScanHistory(
                [scan, .. history.Scans.Take(settings.ListedScans - 1)],
                [.. dropped.Concat(history.Earlier).Where(old => old.CreatedAt > gone).Take(settings.MaxEarlierScans)]);
        }
    }

    /// <summary>From now on nothing is added. Returns the jobs to erase.</summary>
    public async Task<IReadOnlyList<Guid>> BeginErasureAsync(string userId, DateTimeOffset at, TimeSpan kept, CancellationToken cancellationToken)
    {
        var history = await dapr.UpdateStateAsync<ScanHistory>(
            Components.StateStore, Key(userId),
            stored => stored is { ErasedAt: not null } ? stored : (stored ?? ScanHistory.Empty) with { ErasedAt = at }, kept, cancellationToken);
        return [.. history.Scans.Select(scan => scan.JobId), .. history.Earlier.Select(scan => scan.JobId)];
    }

    /// <summary>All jobs are erased: what stays is the mark.</summary>
    public Task EndErasureAsync(string userId, DateTimeOffset at, TimeSpan kept, CancellationToken cancellationToken) => dapr.UpdateStateAsync<ScanHistory>(
        Components.StateStore, Key(userId),
        stored => stored is { ErasedAt: not null, Scans.Count: 0, Earlier.Count: 0 } ? stored : ScanHistory.Empty with { ErasedAt = at }, kept, cancellationToken);

    private static string Key(string userId) => $"history:{userId}";
}
