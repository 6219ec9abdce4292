using System.ComponentModel.DataAnnotations;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using Contracts;
using Contracts.Jobs;
using Contracts.Scan;
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
/// job id). Idempotent by UUIDv5 of user, route and key.
/// </summary>
internal static partial class SubmitScan
{
    public const string Route = "/api/v1/scan";
    private const int MaxKeyLength = 255;

    public sealed record Request(
        [Required, Url, StringLength(2000)] string? ImageUrl, [StringLength(2000)] string? UserInput = null, [StringLength(100)] string? Model = null);

    public sealed record Response(Guid JobId, string StreamUrl, string ResultUrl, string Status);

    public static void MapSubmitScan(this IEndpointRouteBuilder scan) => scan.MapPost("/", HandleAsync).WithName(nameof(SubmitScan));

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
        if (request.Model is { } model && await worker.ModelsAsync(cancellationToken) is var models && !models.Contains(model))
        {
            return Problems.Of(400, "UNSUPPORTED_MODEL", $"model '{model}' is not supported; supported: {string.Join(", ", models)}");
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
        catch (JobClosedException)
        {
            // A repetition of a job that has ended: the same answer, and nothing is started again.
            return TypedResults.Ok(Answer(jobId));
        }

        // (5) docs/architecture.md: from here the client only watches.
        await dapr.PublishEventAsync(
            Components.PubSub, ScanTopics.ScanRequested,
            new ScanRequested(Uuid5.Create(jobId, ScanTopics.ScanRequested), now, jobId, user.Id, imageKey, request.UserInput, request.Model, deadline),
            cancellationToken);
        await list.AddAsync(user.Id, new UserScan(jobId, now, request.ImageUrl!), cancellationToken);
        LogAccepted(logger, jobId, appended.Created);
        return TypedResults.Ok(Answer(jobId));
    }

    private static Response Answer(Guid jobId) => new(jobId, $"{Route}/{jobId}/events", $"{Route}/{jobId}/result", "queued");

    /// <summary>The key is bound to what the request means, not to its spelling.</summary>
    private static string BodyHash(Request request) =>
        Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(request, TandemJson.Options)));

    [LoggerMessage(1401, LogLevel.Information, "Job {JobId} accepted (new: {IsNew})")]
    private static partial void LogAccepted(ILogger logger, Guid jobId, bool isNew);
}
