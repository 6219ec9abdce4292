using Contracts.Jobs;
using EventRouter.Logs;
using ServiceDefaults;

namespace EventRouter.Features;

/// <summary><c>GET /jobs/{job_id}?after=N</c>: a job and its entries with a larger number, read from the store.</summary>
internal static class GetJob
{
    public static void MapGetJob(this IEndpointRouteBuilder routes) => routes.MapGet("/{jobId:guid}", HandleAsync);

    private static async Task<IResult> HandleAsync(Guid jobId, long? after, ILogStore store, JobLogStorage storage, CancellationToken cancellationToken)
    {
        var (head, _) = await store.ReadAsync<JobHead>(JobLogKeys.Head(jobId), cancellationToken);
        if (head is null)
        {
            return Problems.Of(StatusCodes.Status404NotFound, "JOB_NOT_FOUND", "There is no such job");
        }

        var entries = await storage.ReadEntriesAsync(head, after ?? 0, cancellationToken);
        return TypedResults.Ok(new JobView(head.JobId, head.Owner, head.App, head.Deadline, head.Seq, head.Terminal, entries));
    }
}
