using Contracts.Jobs;
using Microsoft.AspNetCore.Http.HttpResults;
using Scan.Jobs;
using ServiceDefaults;
using ServiceDefaults.JobLog;

namespace Scan.Features;

/// <summary><c>GET /api/v1/scan?limit=20</c>: the caller's latest scans with their state, newest first.</summary>
internal static class ListScans
{
    private const int MaxLimit = 50;

    public sealed record Item(Guid JobId, DateTimeOffset CreatedAt, string ImageUrl, string Status, string? Stage, int Progress);

    public sealed record Response(IReadOnlyList<Item> Scans);

    public static void MapListScans(this IEndpointRouteBuilder scan) => scan.MapGet("/", HandleAsync).WithName(nameof(ListScans)).Answers(400, "LIMIT_OUT_OF_RANGE");

    private static async Task<Results<Ok<Response>, ProblemHttpResult>> HandleAsync(
        UserIdentity user, UserScans list, JobLogClient log, CancellationToken cancellationToken, int limit = 20)
    {
        if (limit is < 1 or > MaxLimit)
        {
            return Problems.Of(400, "LIMIT_OUT_OF_RANGE", $"limit is 1 to {MaxLimit}");
        }

        var scans = (await list.ListAsync(user.Id, cancellationToken)).Take(limit).ToList();
        var jobs = await log.GetStatesAsync([.. scans.Select(scan => scan.JobId)], cancellationToken);
        return TypedResults.Ok(new Response([.. scans.Select(scan => ToItem(scan, jobs.GetValueOrDefault(scan.JobId)))]));
    }

    /// <summary>A job whose log has expired is listed as such: the scan happened, its details are gone.</summary>
    private static Item ToItem(UserScan scan, JobState? job) => new(
        scan.JobId, scan.CreatedAt, scan.ImageUrl, job is null ? "expired" : job.Terminal ?? "processing", job?.Stage, job?.Progress ?? 100);
}
