using Contracts;
using Contracts.Jobs;
using EventRouter.Logs;
using ServiceDefaults;

namespace EventRouter.Features;

/// <summary>
/// <c>DELETE /jobs/{job_id}</c>: erases a job, because its owner's account was deleted. 204, also when there is none. The head goes last, because only it
/// names the chunks; a write that is under way loses its compare-and-set then.
/// </summary>
internal static partial class EraseJob
{
    public static void MapEraseJob(this IEndpointRouteBuilder routes) =>
        routes.MapDelete("/jobs/{jobId:guid}", HandleAsync).WithName(nameof(EraseJob)).RequireCaller(Apps.Desk, Apps.Scan);

    private static async Task<IResult> HandleAsync(
        Guid jobId, ILogStore store, OpenJobs openJobs, JobAppender appender, ILogger<JobAppender> logger, CancellationToken cancellationToken)
    {
        var (head, _) = await store.ReadAsync<JobHead>(JobLogKeys.Head(jobId), cancellationToken);
        if (head is null)
        {
            return TypedResults.NoContent();
        }

        await openJobs.RemoveAsync(head.Owner, [jobId], cancellationToken);
        foreach (var last in head.Chunks)
        {
            await store.DeleteAsync(JobLogKeys.Chunk(jobId, last), cancellationToken);
        }

        await store.DeleteAsync(JobLogKeys.Head(jobId), cancellationToken);
        appender.Forget(jobId);
        LogErased(logger, jobId);
        return TypedResults.NoContent();
    }

    [LoggerMessage(1131, LogLevel.Information, "Job {JobId} is erased")]
    private static partial void LogErased(ILogger logger, Guid jobId);
}
