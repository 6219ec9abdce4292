using System.Text.Json;
using Contracts;
using Microsoft.AspNetCore.Http.HttpResults;
using ServiceDefaults;
using ServiceDefaults.JobLog;

namespace Scan.Features;

/// <summary>
/// <c>GET /api/v1/scan/{job}/result</c>: the terminal event's result; 202 with progress and Retry-After while the job runs; 404
/// RESULT_NOT_FOUND for unknown jobs and other people's.
/// </summary>
internal static class GetScanResult
{
    private const int RetryAfterSeconds = 2;

    public sealed record Running(string Status, string Message, string CurrentStage, int Progress);

    public static void MapGetScanResult(this IEndpointRouteBuilder scan) =>
        scan.MapGet("/{jobId:guid}/result", HandleAsync).WithName(nameof(GetScanResult));

    private static async Task<Results<Ok<JsonElement>, JsonHttpResult<Running>, ProblemHttpResult>> HandleAsync(
        Guid jobId, UserIdentity user, JobLogClient log, HttpResponse http, CancellationToken cancellationToken)
    {
        var job = await log.GetAsync(jobId, after: 0, cancellationToken);
        if (job is null || job.Owner != user.Id || job.App != Apps.Scan)
        {
            return Problems.Of(404, "RESULT_NOT_FOUND", "there is no such scan of yours");
        }

        var last = job.Entries[^1];
        if (job.Terminal is not null)
        {
            return TypedResults.Ok(last.Result ?? JsonSerializer.SerializeToElement(
                new { task_id = jobId, status = job.Terminal, message = last.Message ?? job.Terminal, pipeline_result = (object?)null, reward = (object?)null, error = last.Key }));
        }

        http.Headers.RetryAfter = RetryAfterSeconds.ToString("D");
        return TypedResults.Json(new Running("processing", "the scan is running", last.Stage, last.Progress), statusCode: 202);
    }
}
