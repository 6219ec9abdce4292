using Contracts.Jobs;
using EventRouter.Logs;
using ServiceDefaults;

namespace EventRouter.Features;

/// <summary><c>POST /jobs/states</c>: where many jobs stand, by one bulk read of heads. Changes nothing.</summary>
internal static class GetStates
{
    private const int MaxJobs = 100;

    public static void MapGetStates(this IEndpointRouteBuilder routes) => routes.MapPost("/states", HandleAsync);

    private static async Task<IResult> HandleAsync(GetJobStates query, ILogStore store, CancellationToken cancellationToken)
    {
        if (query.JobIds is not { Count: <= MaxJobs } jobIds)
        {
            return Problems.Of(StatusCodes.Status400BadRequest, "INVALID_QUERY", $"A query names at most {MaxJobs} jobs");
        }

        var heads = await store.ReadManyAsync<JobHead>([.. jobIds.Distinct().Select(JobLogKeys.Head)], cancellationToken);
        var byId = heads.ToDictionary(head => head.JobId);
        return TypedResults.Ok(new JobStates([.. jobIds.Distinct().Where(byId.ContainsKey).Select(id => StateOf(byId[id]))]));
    }

    private static JobState StateOf(JobHead head)
    {
        var last = head.Open[^1];
        return new JobState(
            head.JobId, head.Owner, head.App, head.Deadline, head.Seq, head.Terminal, last.Stage, last.Status, head.Progress, last.Ts);
    }
}
