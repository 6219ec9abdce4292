using ServiceDefaults;
using Sse.Streams;

namespace Sse.Features;

/// <summary>What a client is told while the log cannot be read: to come again.</summary>
internal static partial class ReadFailures
{
    private const string RetryAfterSeconds = "2";

    /// <summary>503 LOG_UNAVAILABLE with Retry-After, as long as nothing has been sent; an open stream catches up by itself.</summary>
    public static RouteHandlerBuilder AnswerReadFailures(this RouteHandlerBuilder route) => route.AddEndpointFilter(async (context, next) =>
    {
        var http = context.HttpContext;
        try
        {
            return await next(context);
        }
        catch (JobLogUnavailableException exception) when (!http.Response.HasStarted)
        {
            LogUnavailable(http.RequestServices.GetRequiredService<ILogger<JobLogReader>>(), exception.InnerException!.Message);
            http.Response.Headers.RetryAfter = RetryAfterSeconds;
            return Problems.Of(StatusCodes.Status503ServiceUnavailable, "LOG_UNAVAILABLE", "The job log cannot be read at the moment; try again");
        }
    });

    [LoggerMessage(1230, LogLevel.Warning, "The job log cannot be read ({Reason}); clients are asked to come again")]
    private static partial void LogUnavailable(ILogger logger, string reason);
}
