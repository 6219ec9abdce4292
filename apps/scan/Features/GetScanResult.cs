using System.Text.Json;
using System.Text.Json.Serialization;
using Contracts;
using Contracts.Jobs;
using Microsoft.AspNetCore.Http.HttpResults;
using ServiceDefaults;
using ServiceDefaults.JobLog;

namespace Scan.Features;

/// <summary>
/// <c>GET /api/v1/scan/{job}/result</c>: how the scan ended, in one shape for every end; 202 with progress and Retry-After while the job
/// runs; 404 RESULT_NOT_FOUND for unknown jobs and other people's.
/// </summary>
internal static class GetScanResult
{
    private const int RetryAfterSeconds = 2;

    public sealed record Running(string Status, string Message, string CurrentStage, int Progress);

    /// <summary>An ended scan.</summary>
    /// <param name="TaskId">Job id.</param>
    /// <param name="Status">completed, failed or cancelled.</param>
    /// <param name="Message">Sentence.</param>
    /// <param name="PipelineResult">Null unless completed.</param>
    /// <param name="Reward">Null when none.</param>
    /// <param name="Error">Stable code of the failure; null when completed.</param>
    /// <param name="Usage">Tokens and cost of the models' answers, as far as known; absent when none was asked.</param>
    public sealed record Ended(
        Guid TaskId, string Status, string Message,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] JsonElement? PipelineResult,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] JsonElement? Reward,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Error,
        JsonElement? Usage = null);

    public static void MapGetScanResult(this IEndpointRouteBuilder scan) =>
        scan.MapGet("/{jobId:guid}/result", HandleAsync).WithName(nameof(GetScanResult))
            .WithSummary("How the scan ended")
            .Produces<Running>(202).WithAnswerHeader("Retry-After", "Seconds until asking again makes sense.", 202)
            .WithAnswerExample(new Running("processing", "the scan is running", "answer", 60), 202)
            .Answers(404, "RESULT_NOT_FOUND");

    private static async Task<Results<Ok<Ended>, JsonHttpResult<Running>, ProblemHttpResult>> HandleAsync(
        Guid jobId, UserIdentity user, JobLogClient log, HttpResponse http, CancellationToken cancellationToken)
    {
        var job = await log.GetAsync(jobId, after: 0, cancellationToken);
        if (job is null || job.Owner != user.Id || job.App != Apps.Scan)
        {
            return Problems.Of(404, "RESULT_NOT_FOUND", "there is no such scan of yours");
        }

        var last = job.Entries[^1];
        if (job.Terminal is { } status)
        {
            return TypedResults.Ok(End(jobId, status, last));
        }

        http.Headers.RetryAfter = RetryAfterSeconds.ToString("D");
        return TypedResults.Json(new Running("processing", "the scan is running", last.Stage, last.Progress), statusCode: 202);
    }

    /// <summary>
    /// scan-worker writes the whole result into the terminal event; the deadline's sweep knows a code only, and a cancellation
    /// has no result.
    /// </summary>
    private static Ended End(Guid jobId, string status, JobEvent last) => new(
        jobId, status, last.Message ?? status, Field(last, "pipeline_result"), Field(last, "reward"),
        status switch
        {
            JobWords.Completed => null,
            JobWords.Cancelled => "CANCELLED",
            // The sweep's code stands beside a sentence of the name that is a code elsewhere.
            _ => (Field(last, "code") ?? Field(last, "error"))?.GetString()?.ToUpperInvariant() ?? "SCAN_FAILED",
        },
        Field(last, "usage"));

    private static JsonElement? Field(JobEvent entry, string name) =>
        entry.Result is { ValueKind: JsonValueKind.Object } result && result.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null
            ? value
            : null;
}
