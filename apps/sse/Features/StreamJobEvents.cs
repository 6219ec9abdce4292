using Contracts;
using Contracts.Jobs;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using Sse.Streams;

namespace Sse.Features;

/// <summary>
/// <c>GET /api/v1/jobs/{job_id}/events</c> and its older paths: the job's log as server-sent events. <c>Last-Event-ID</c> or
/// <c>?after=</c> is the number of the last event that the client has; any replica resumes there. 204 when the job has ended
/// and the client has everything.
/// </summary>
internal static class StreamJobEvents
{
    /// <summary>Response header: number of the first event that is sent.</summary>
    public const string ReplayFromHeader = "Job-Log-Replay-From";

    public static void MapStreamJobEvents(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/v1/jobs/{jobId:guid}/events", (HttpContext context, Guid jobId, StreamEndpoint endpoint) =>
            endpoint.HandleAsync(context, jobId, app: null)).AnswerReadFailures();
        routes.MapGet("/api/v1/scan/{jobId:guid}/events", (HttpContext context, Guid jobId, StreamEndpoint endpoint) =>
            endpoint.HandleAsync(context, jobId, Apps.Scan)).AnswerReadFailures();
        routes.MapGet("/api/v1/stream", (HttpContext context, StreamEndpoint endpoint) =>
            Guid.TryParse(context.Request.Query["job_id"], out var jobId)
                ? endpoint.HandleAsync(context, jobId, Apps.Scan)
                : Problems.WriteAsync(context, StatusCodes.Status400BadRequest, "INVALID_JOB_ID", "job_id is a UUID")).AnswerReadFailures();
    }
}

/// <summary>Opens a stream.</summary>
internal sealed partial class StreamEndpoint(
    JobAccess access, JobLogReader reader, StreamHub hub, IOptions<SseOptions> options, ILogger<StreamEndpoint> logger)
{
    /// <summary>1. Who asks. 2. From where. 3. Register. 4. Read. 5. Check the owner. 6. Send.</summary>
    public async Task HandleAsync(HttpContext context, Guid jobId, string? app)
    {
        if (await access.AuthenticateAsync(context) is not { } identity || await Cursors.ReadAsync(context) is not { } cursor)
        {
            return;
        }

        if (hub.IsStopping)
        {
            context.Response.Headers.RetryAfter = "1";
            await Problems.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "STOPPING", "This replica is stopping; connect again");
            return;
        }

        // Registered before the log is read: what is appended in between arrives as a hint.
        var stream = new JobStream(jobId, identity.UserId, identity.ExpiresAt, cursor + 1, options.Value.QueueLength);
        if (!hub.TryAdd(stream))
        {
            context.Response.Headers.RetryAfter = "5";
            await Problems.WriteAsync(
                context, StatusCodes.Status429TooManyRequests, "TOO_MANY_STREAMS", $"At most {options.Value.MaxStreamsPerUser} streams at a time");
            return;
        }

        try
        {
            var head = await reader.ReadHeadAsync(jobId, context.RequestAborted);
            if (!await access.CheckAsync(context, head, identity, app))
            {
                return;
            }

            await SendAsync(context, stream, head!, cursor);
        }
        finally
        {
            hub.Remove(stream);
        }
    }

    private async Task SendAsync(HttpContext context, JobStream stream, JobHead head, long cursor)
    {
        if (cursor > head.Seq)
        {
            // A cursor from nowhere: the header and the first event tell that the replay begins at the beginning.
            cursor = 0;
            stream.Next = 1;
        }

        if (head.Terminal is not null && cursor == head.Seq)
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        var history = await reader.ReadEntriesAsync(head, cursor, context.RequestAborted);
        WriteHeaders(context, cursor + 1);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stream.CutOff);
        try
        {
            var opening = EventFrame.Opening(options.Value.Retry, options.Value.KeepAlive, cursor + 1);
            await new StreamSession(reader, stream, context.Response.BodyWriter, logger).RunAsync(opening, history, stop.Token);
        }
        catch (OperationCanceledException) when (stream.CutOff.IsCancellationRequested && !context.RequestAborted.IsCancellationRequested)
        {
            // Its pending bytes cannot be finished; closing the connection is what the client resumes after.
            LogCut(logger, stream.JobId, stream.Next);
            context.Abort();
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client has left; its job goes on.
        }
    }

    private static void WriteHeaders(HttpContext context, long replayFrom)
    {
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        context.Response.ContentType = "text/event-stream; charset=utf-8";
        context.Response.Headers.CacheControl = "no-cache, no-store, no-transform";
        context.Response.Headers["X-Accel-Buffering"] = "no";
        context.Response.Headers[StreamJobEvents.ReplayFromHeader] = replayFrom.ToString(System.Globalization.CultureInfo.InvariantCulture);
    }

    [LoggerMessage(1220, LogLevel.Information, "Stream of job {JobId} cut before event {Seq}: its client does not read; it resumes there")]
    private static partial void LogCut(ILogger logger, Guid jobId, long seq);
}
