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

    /// <summary>Data of the event that a stream begins with.</summary>
    public sealed record StreamOpening(long KeepaliveMs, long ReplayFrom);

    /// <summary>Data of a sign of life.</summary>
    public sealed record StreamKeepAlive(DateTimeOffset Timestamp);

    public static void MapStreamJobEvents(this IEndpointRouteBuilder routes)
    {
        Document(routes.MapGet("/api/v1/jobs/{jobId:guid}/events", (HttpContext context, Guid jobId, StreamEndpoint endpoint) =>
            endpoint.HandleAsync(context, jobId, app: null)), nameof(StreamJobEvents));
        Document(routes.MapGet("/api/v1/scan/{jobId:guid}/events", (HttpContext context, Guid jobId, StreamEndpoint endpoint) =>
            endpoint.HandleAsync(context, jobId, Apps.Scan)), "StreamScanEvents");
        Document(routes.MapGet("/api/v1/stream", (HttpContext context, StreamEndpoint endpoint) =>
            endpoint.HandleAsync(context, Guid.TryParse(context.Request.Query["job_id"], out var jobId) ? jobId : null, Apps.Scan)), "StreamEvents")
            .WithQuery("job_id", "Id of the job.", "0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b").Answers(400, "INVALID_JOB_ID");
    }

    private static RouteHandlerBuilder Document(RouteHandlerBuilder route, string name)
    {
        route.AnswerReadFailures();
        return route.WithName(name).WithTags("Jobs").WithSummary("The job's events as they come")
            .WithDescription("`id` is the event's number in the log, `event` its stage. 204 when the job has ended and the client has everything.")
            .WithRequestHeader("Last-Event-ID", "Number of the last event that the client has; a browser sends it by itself.", "3")
            .WithQuery("after", "The same for who cannot send the header.", "3")
            .StreamsEvents(
                new Dictionary<string, Type> { ["stream"] = typeof(StreamOpening), ["keepalive"] = typeof(StreamKeepAlive), ["*"] = typeof(JobEvent) },
                "retry: 1000\nevent: stream\ndata: {\"keepalive_ms\":10000,\"replay_from\":1}\n\nid: 1\nevent: queued\ndata: {\"job_id\":\"0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b\",\"seq\":1,"
                + "\"key\":\"queued.started\",\"stage\":\"queued\",\"status\":\"started\",\"stage_seq\":0,\"progress\":0,\"ts\":\"2026-01-31T09:00:00+00:00\"}\n\n")
            .Produces(204).WithAnswerHeader(ReplayFromHeader, "Number of the first event that is sent.")
            .Answers(400, "INVALID_CURSOR").Answers(404, "JOB_NOT_FOUND").Answers(429, "TOO_MANY_STREAMS").Answers(503, "LOG_UNAVAILABLE", "STOPPING");
    }
}

/// <summary>Opens a stream.</summary>
internal sealed partial class StreamEndpoint(
    JobAccess access, JobLogReader reader, StreamHub hub, IOptions<SseOptions> options, ILogger<StreamEndpoint> logger)
{
    /// <summary>1. Who asks. 2. From where. 3. Register. 4. Read. 5. Check the owner. 6. Send.</summary>
    public async Task HandleAsync(HttpContext context, Guid? job, string? app)
    {
        if (await access.AuthenticateAsync(context) is not { } identity || await Cursors.ReadAsync(context) is not { } cursor)
        {
            return;
        }

        if (job is not { } jobId)
        {
            await Problems.WriteAsync(context, StatusCodes.Status400BadRequest, "INVALID_JOB_ID", "job_id is a UUID");
            return;
        }

        if (hub.IsStopping)
        {
            context.Response.Headers.RetryAfter = "1";
            await Problems.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "STOPPING", "This replica is stopping; connect again");
            return;
        }

        // Registered before the log is read: what is appended in between arrives as a hint.
        var stream = new JobStream(jobId, identity, cursor + 1, options.Value.QueueLength);
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
