using Contracts.Jobs;
using EventRouter.Logs;

namespace EventRouter.Features;

/// <summary><c>GET /jobs/open?app=desk</c>: how many jobs of an app have not ended, and since when the oldest of them waits. Changes nothing.</summary>
internal static class GetOpenJobs
{
    public static void MapGetOpenJobs(this IEndpointRouteBuilder routes) => routes.MapGet("/open", HandleAsync);

    private static async Task<IResult> HandleAsync(string app, OpenJobs index, CancellationToken cancellationToken)
    {
        OpenJob[] jobs = [.. (await index.ReadAllAsync(cancellationToken)).Where(job => job.App == app)];
        return TypedResults.Ok(new OpenJobsOfApp(jobs.Length, jobs.Length == 0 ? null : jobs.Min(job => job.AddedAt)));
    }
}
