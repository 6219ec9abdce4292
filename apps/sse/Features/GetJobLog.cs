using Contracts.Jobs;
using ServiceDefaults;
using Sse.Streams;

namespace Sse.Features;

/// <summary><c>GET /api/v1/jobs/{job_id}/log?after=N</c>: the same events as on the stream, for who does not use SSE.</summary>
internal static class GetJobLog
{
    public static void MapGetJobLog(this IEndpointRouteBuilder routes) => routes.MapGet("/api/v1/jobs/{jobId:guid}/log", HandleAsync).AnswerReadFailures();

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
