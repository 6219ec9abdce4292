using Contracts;
using Contracts.Jobs;
using Contracts.Users;
using Microsoft.Extensions.Options;
using Scan.Jobs;
using ServiceDefaults;
using ServiceDefaults.Erasure;
using ServiceDefaults.JobLog;

namespace Scan.Features;

/// <summary>
/// Erases a person's scans: running ones are cancelled, then the results and the history of each in scan-worker, its log in event-router, and the list.
/// Then reports it. Idempotent by user; broken off it begins again with what is listed.
/// </summary>
internal static partial class OnUserDeleted
{
    /// <summary>Jobs that are erased at a time.</summary>
    private const int Parallelism = 4;

    public static void MapOnUserDeleted(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/on/user-deleted", HandleAsync)
            .WithDeadLetteredTopic(Components.PubSub, UserTopics.UserDeleted, Apps.Scan);

    private static async Task<IResult> HandleAsync(
        UserDeleted message, UserScans list, JobLogClient log, ScanWorkerClient worker, ErasureReports reports, IOptions<ErasureOptions> options,
        TimeProvider time, ILogger<ScanService> logger, CancellationToken cancellationToken)
    {
        // 1. No new scans. 2. Those that there are. 3. The mark alone stays. 4. The report.
        var kept = options.Value.TombstoneKept;
        var jobs = await list.BeginErasureAsync(message.UserId, message.Ts, kept, cancellationToken);
        await Parallel.ForEachAsync(
            jobs, new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = cancellationToken },
            async (jobId, token) => await EraseAsync(jobId, log, worker, time, token));
        await list.EndErasureAsync(message.UserId, message.Ts, kept, cancellationToken);
        await reports.SendAsync(Apps.Scan, message, cancellationToken);
        LogErased(logger, message.UserId, jobs.Count);
        return TypedResults.Ok();
    }

    /// <summary>The end of the log first: after it scan-worker writes nothing more that stays. The log itself last: it says that there is something to do.</summary>
    private static async Task EraseAsync(Guid jobId, JobLogClient log, ScanWorkerClient worker, TimeProvider time, CancellationToken cancellationToken)
    {
        if (await log.GetAsync(jobId, after: long.MaxValue, cancellationToken) is { Terminal: null })
        {
            try
            {
                await log.AppendAsync(
                    jobId,
                    new AppendJobEvents([new JobEventInput("done.cancelled", JobWords.Done, JobWords.Cancelled, 100, time.GetUtcNow(), Message: "the account was deleted")]),
                    cancellationToken);
            }
            catch (JobClosedException)
            {
                // It has just ended.
            }
        }

        await worker.EraseAsync(jobId, cancellationToken);
        await log.EraseAsync(jobId, cancellationToken);
    }

    [LoggerMessage(1403, LogLevel.Information, "The scans of user {UserId} are erased, {Count} jobs")]
    private static partial void LogErased(ILogger logger, string userId, int count);
}
