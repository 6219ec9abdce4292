using System.Globalization;
using Contracts.Jobs;
using EventRouter.Logs;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace EventRouter.Features;

/// <summary>
/// <c>POST /jobs/{job_id}/events</c>: appends events to a job's log and, with <c>create</c>, makes the job. Answers after the
/// events are stored and announced. Idempotent by (job, event key).
/// </summary>
internal static class AppendEvents
{
    public static void MapAppendEvents(this IEndpointRouteBuilder routes) => routes.MapPost("/{jobId:guid}/events", HandleAsync);

    private static async Task<IResult> HandleAsync(
        Guid jobId, AppendJobEvents command, JobAppender appender, IOptions<EventRouterOptions> options, HttpContext context,
        CancellationToken cancellationToken)
    {
        if (AppendCommandRules.Check(command) is { } wrong)
        {
            return Problems.Of(StatusCodes.Status400BadRequest, "INVALID_EVENT", wrong);
        }

        if (AppendCommandRules.SizeOf(command) > options.Value.MaxCommandBytes)
        {
            return Problems.Of(
                StatusCodes.Status413PayloadTooLarge, "EVENTS_TOO_LARGE", "Results of this size belong into the object store; name their key");
        }

        var outcome = await appender.AppendAsync(jobId, command, cancellationToken);
        return outcome.Refusal == AppendRefusal.None
            ? TypedResults.Ok(new AppendedJobEvents(outcome.Seq, outcome.Created))
            : Refuse(outcome.Refusal, options.Value, context);
    }

    private static IResult Refuse(AppendRefusal refusal, EventRouterOptions options, HttpContext context)
    {
        if (refusal is AppendRefusal.TooManyOpen or AppendRefusal.SystemBusy or AppendRefusal.Unavailable)
        {
            context.Response.Headers.RetryAfter = Math.Ceiling(options.RetryAfter.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        }

        return refusal switch
        {
            AppendRefusal.NotFound => Problems.Of(StatusCodes.Status404NotFound, "JOB_NOT_FOUND", "There is no such job"),
            AppendRefusal.Closed => Problems.Of(StatusCodes.Status409Conflict, "JOB_CLOSED", "The job has ended"),
            AppendRefusal.KeyReused => Problems.Of(
                StatusCodes.Status422UnprocessableEntity, "IDEMPOTENCY_KEY_REUSED", "The idempotency key was used with another body"),
            AppendRefusal.TooManyOpen => Problems.Of(
                StatusCodes.Status429TooManyRequests, "TOO_MANY_OPEN_JOBS", "Wait until one of your jobs has ended"),
            AppendRefusal.SystemBusy => Problems.Of(
                StatusCodes.Status503ServiceUnavailable, "SYSTEM_BUSY", "Too many jobs are open; try again shortly"),
            _ => Problems.Of(StatusCodes.Status503ServiceUnavailable, "LOG_UNAVAILABLE", "The job log did not take the events; try again"),
        };
    }
}
