using System.ComponentModel.DataAnnotations;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using Contracts;
using Contracts.Images;
using Contracts.Jobs;
using Contracts.Models;
using Contracts.Scan;
using Dapr;
using Dapr.Client;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using Scan.Jobs;
using ServiceDefaults;
using ServiceDefaults.JobLog;

namespace Scan.Features;

/// <summary>
/// <c>POST /api/v1/scan</c>: accepts a scan. Order: the log's first event, then the message, then the answer; a caller who got
/// no answer repeats under its Idempotency-Key, finds the same job, and the message is published again (scan-worker knows the
/// job id and starts nothing twice). A request without a key is not repeated: once its job is there it runs to the publish whether or
/// not the caller has left, and a job that cannot be published is ended at once. Idempotent by UUIDv5 of user, route and key.
/// </summary>
internal static partial class SubmitScan
{
    public const string Route = "/api/v1/scan";
    private const int MaxKeyLength = 255;

    /// <summary>What a model must be able to do besides looking at a picture: say what it sees in the form that is asked for.</summary>
    private static readonly string[] Needed = ["chat", "json_schema"];

    public sealed record Request(
        [Required, Url, StringLength(2000)] string? ImageUrl, [StringLength(2000)] string? UserInput = null, [StringLength(100)] string? Model = null);

    public sealed record Response(Guid JobId, string StreamUrl, string ResultUrl, string Status);

    public static void MapSubmitScan(this IEndpointRouteBuilder scan) => scan.MapPost("/", HandleAsync).WithName(nameof(SubmitScan))
        .WithSummary("Accepts a scan")
        .WithRequestExample(new Request("https://tandem.example/api/v1/images/scan/0197a1b2c3d47e5f8a9b0c1d2e3f4a5b.jpg", "라벨도 떼어야 하나요?"))
        .WithAnswerExample(Answer(new Guid("0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b")))
        .Answers(400, "IMAGE_HOST_NOT_ALLOWED", "UNSUPPORTED_MODEL", "IDEMPOTENCY_KEY_INVALID", "IMAGE_NOT_FOUND")
        .Answers(422, "IDEMPOTENCY_KEY_REUSED").Answers(429, "TOO_MANY_OPEN_JOBS").Answers(503, "SYSTEM_BUSY", "LOG_UNAVAILABLE");

    private static async Task<Results<Ok<Response>, ProblemHttpResult>> HandleAsync(
        Request request, UserIdentity user, [FromHeader(Name = "Idempotency-Key")] string? idempotencyKey,
        [FromHeader(Name = "X-Idempotency-Key")] string? idempotencyAlias, HttpResponse http,
        DaprClient dapr, JobLogClient log, ImagesClient images, ScanWorkerClient worker, UserScans list, IOptions<ScanOptions> options, TimeProvider time,
        ILogger<Response> logger, CancellationToken cancellationToken)
    {
        var settings = options.Value;
        if (ImageAddress.KeyOf(request.ImageUrl!, settings.ImageHosts) is not { } imageKey)
        {
            return Problems.Of(400, "IMAGE_HOST_NOT_ALLOWED", "image_url must be an address that the images API gave out");
        }

        // Only a request that names a model needs to know which there are; scan-worker alone does.
        if (request.Model is { Length: > 0 } model && await worker.ModelsAsync(cancellationToken) is var models && UnsupportedReason(model, models) is { } unsupported)
        {
            return Problems.Of(400, "UNSUPPORTED_MODEL", unsupported);
        }

        var key = idempotencyKey ?? idempotencyAlias;
        if (key is { Length: 0 or > MaxKeyLength })
        {
            return Problems.Of(400, "IDEMPOTENCY_KEY_INVALID", $"Idempotency-Key has 1 to {MaxKeyLength} characters");
        }

        if (await images.FindAsync(imageKey, cancellationToken) is not { } image || image.Owner != user.Id)
        {
            return Problems.Of(400, "IMAGE_NOT_FOUND", "there is no finished upload of yours at image_url");
        }

        var now = time.GetUtcNow();
        var deadline = now + settings.JobDeadline;
        // (3) docs/architecture.md: the same request is the same job.
        var jobId = key is null ? Guid.CreateVersion7(now) : Uuid5.Create(Uuid5.Url, $"{user.Id}\n{Route}\n{key}");
        // From here on a caller who leaves changes nothing: giving up an append does not undo it.
        cancellationToken = CancellationToken.None;
        AppendedJobEvents appended;
        try
        {
            appended = await log.AppendAsync(
                jobId,
                new AppendJobEvents(
                    [new JobEventInput("queued.started", "queued", "started", 0, now, TraceId: Activity.Current?.TraceId.ToHexString())],
                    new JobCreation(user.Id, Apps.Scan, deadline, key is null ? null : BodyHash(request), settings.MaxOpenJobsPerUser, settings.MaxOpenJobs)),
                cancellationToken);
        }
        catch (JobRefusedException refused)
        {
            if (refused.RetryAfter is { } wait)
            {
                http.Headers.RetryAfter = ((int)Math.Ceiling(wait.TotalSeconds)).ToString("D");
            }

            return Problems.Of(refused.Status, refused.Code, refused.Message);
        }

        var message = new ScanRequested(
            Uuid5.Create(jobId, ScanTopics.ScanRequested), now, jobId, user.Id, imageKey, request.UserInput, request.Model, deadline);
        try
        {
            // Listed before it can run: what is not listed cannot be erased. Somebody who is deleted meanwhile leaves nothing behind.
            if (!await list.TryAddAsync(user.Id, new UserScan(jobId, now, request.ImageUrl!), cancellationToken))
            {
                await log.EraseAsync(jobId, cancellationToken);
                return Problems.Of(404, "USER_NOT_FOUND", "there is no such account (any more)");
            }

            // (5) docs/architecture.md: from here the client only watches. No outbox: the client repeats, and the state is event-router's.
            await dapr.PublishEventAsync(Components.PubSub, ScanTopics.ScanRequested, message, cancellationToken);
        }
        catch (DaprException) when (key is null)
        {
            // Nobody can repeat it, so it must not count against the user until its deadline.
            await EndAsync(log, jobId, time, logger, cancellationToken);
            throw;
        }

        LogAccepted(logger, jobId, appended.Created);
        return TypedResults.Ok(Answer(jobId));
    }

    /// <summary>
    /// A model goes by its id, its provider's name for it or an alias, and must be able to look at a picture. One that cannot be asked just now is accepted:
    /// another of its fallback chain may answer, or it may be back when its turn comes.
    /// </summary>
    private static string? UnsupportedReason(string model, IReadOnlyList<ModelEntry> models)
    {
        var able = models.Where(entry => entry.SupportsVision && Needed.All(entry.Capabilities.Contains)).ToArray();
        return able.Any(entry => entry.Aliases.Append(entry.Id).Append(entry.Name).Contains(model, StringComparer.OrdinalIgnoreCase))
            ? null
            : $"model '{model}' {(models.Any(entry => entry.Id.Equals(model, StringComparison.OrdinalIgnoreCase)) ? "cannot do a scan" : "is not supported")}; "
                + $"supported: {string.Join(", ", able.Select(entry => entry.Id))}";
    }

    /// <summary>Ends a job that never reached scan-worker. Best effort: the deadline's sweep ends it otherwise.</summary>
    private static async Task EndAsync(JobLogClient log, Guid jobId, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        try
        {
            var result = JsonSerializer.SerializeToElement(new { error = "SCAN_NOT_STARTED" }, TandemJson.Options);
            await log.AppendAsync(
                jobId,
                new AppendJobEvents([new JobEventInput(
                    "done.failed", JobWords.Done, JobWords.Failed, 100, time.GetUtcNow(), result, "the scan could not be started")]),
                cancellationToken);
        }
        catch (Exception exception) when (exception is HttpRequestException or JobRefusedException or JobClosedException)
        {
            LogNotEnded(logger, jobId, exception.Message);
        }
    }

    private static Response Answer(Guid jobId) => new(jobId, $"{Route}/{jobId}/events", $"{Route}/{jobId}/result", "queued");

    /// <summary>The key is bound to what the request means, not to its spelling.</summary>
    private static string BodyHash(Request request) =>
        Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(request, TandemJson.Options)));

    [LoggerMessage(1401, LogLevel.Information, "Job {JobId} accepted (new: {IsNew})")]
    private static partial void LogAccepted(ILogger logger, Guid jobId, bool isNew);

    [LoggerMessage(1404, LogLevel.Error, "Job {JobId} could neither be published nor ended ({Reason}); it stays open until its deadline")]
    private static partial void LogNotEnded(ILogger logger, Guid jobId, string reason);
}
