using Contracts;
using Contracts.Jobs;
using Microsoft.AspNetCore.Http.HttpResults;
using Scan.Jobs;
using ServiceDefaults;
using ServiceDefaults.JobLog;

namespace Scan.Features;

/// <summary>
/// <c>DELETE /api/v1/scan/{job}</c>: ends the job as cancelled. The terminal event is what counts; stopping the workflow only
/// saves model calls, so its failure is logged and not shown. 204, also when repeated; 409 JOB_CLOSED when it has ended otherwise.
/// </summary>
internal static partial class CancelScan
{
    public static void MapCancelScan(this IEndpointRouteBuilder scan) => scan.MapDelete("/{jobId:guid}", HandleAsync).WithName(nameof(CancelScan))
        .Answers(404, "JOB_NOT_FOUND").Answers(409, "JOB_CLOSED");

    private static async Task<Results<NoContent, ProblemHttpResult>> HandleAsync(
        Guid jobId, UserIdentity user, JobLogClient log, ScanWorkerClient worker, TimeProvider time, ILogger<ScanWorkerClient> logger,
        CancellationToken cancellationToken)
    {
        var job = await log.GetAsync(jobId, after: long.MaxValue, cancellationToken);
        if (job is null || job.Owner != user.Id || job.App != Apps.Scan)
        {
            return Problems.Of(404, "JOB_NOT_FOUND", "there is no such scan of yours");
        }

        if (job.Terminal is JobWords.Cancelled)
        {
            return TypedResults.NoContent();
        }

        try
        {
            await log.AppendAsync(
                jobId,
                new AppendJobEvents([new JobEventInput("done.cancelled", JobWords.Done, JobWords.Cancelled, 100, time.GetUtcNow(), Message: "cancelled by its owner")]),
                cancellationToken);
        }
        catch (JobClosedException)
        {
            return Problems.Of(409, "JOB_CLOSED", "the scan has ended already");
        }

        try
        {
            await worker.CancelAsync(jobId, cancellationToken);
        }
        catch (Exception exception) when (exception is HttpRequestException or TimeoutException)
        {
            LogStillRunning(logger, jobId, exception.Message);
        }

        return TypedResults.NoContent();
    }

    [LoggerMessage(1402, LogLevel.Warning, "Job {JobId} is cancelled but its workflow could not be stopped ({Reason}); it stops at its next append")]
    private static partial void LogStillRunning(ILogger logger, Guid jobId, string reason);
}
