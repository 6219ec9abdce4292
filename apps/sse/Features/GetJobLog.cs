using Contracts.Jobs;
using ServiceDefaults;
using Sse.Streams;

namespace Sse.Features;

/// <summary><c>GET /api/v1/jobs/{job_id}/log?after=N</c>: the same events as on the stream, for who does not use SSE.</summary>
internal static class GetJobLog
{
    public static void MapGetJobLog(this IEndpointRouteBuilder routes) => routes.MapGet("/api/v1/jobs/{jobId:guid}/log", HandleAsync).AnswerReadFailures()
        .WithName(nameof(GetJobLog)).WithTags("Jobs").Produces<JobLogPage>().WithQuery("after", "Number of the last event that the client has.", "3")
        .Answers(400, "INVALID_CURSOR").Answers(404, "JOB_NOT_FOUND").Answers(503, "LOG_UNAVAILABLE");

    private static async Task HandleAsync(
        HttpContext context, Guid jobId, JobAccess access, JobLogReader reader, CancellationToken cancellationToken)
    {
        if (await access.AuthenticateAsync(context) is not { } identity || await Cursors.ReadAsync(context) is not { } after)
        {
            return;
        }

        var head = await reader.ReadHeadAsync(jobId, cancellationToken);
        if (!await access.CheckAsync(context, head, identity, app: null))
        {
            return;
        }

        var entries = await reader.ReadEntriesAsync(head!, after, cancellationToken);
        await context.Response.WriteAsJsonAsync(
            new JobLogPage(jobId, head!.Seq, head.Terminal, entries), TandemJson.Options, cancellationToken);
    }
}
