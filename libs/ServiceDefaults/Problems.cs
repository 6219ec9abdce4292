using System.Diagnostics;
using System.Net;
using Dapr;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Logging;

namespace ServiceDefaults;

/// <summary>Failures as RFC 9457 problems: <c>type, title, status, detail, code, traceId</c>.</summary>
public static class Problems
{
    /// <summary>A problem as a handler's result. The code is stable and UPPER_SNAKE.</summary>
    public static ProblemHttpResult Of(int status, string code, string detail, IReadOnlyDictionary<string, object?>? extensions = null) =>
        TypedResults.Problem(Details(status, code, detail, extensions));

    /// <summary>Writes a problem from a middleware.</summary>
    public static Task WriteAsync(
        HttpContext http, int status, string code, string detail, IReadOnlyDictionary<string, object?>? extensions = null) =>
        Of(status, code, detail, extensions).ExecuteAsync(http);

    /// <summary>The code of a failure that nobody named: by status.</summary>
    internal static string CodeOf(int status) => status switch
    {
        400 => "BAD_REQUEST",
        401 => "UNAUTHORIZED",
        403 => "FORBIDDEN",
        404 => "NOT_FOUND",
        405 => "METHOD_NOT_ALLOWED",
        408 => "REQUEST_TIMEOUT",
        413 => "BODY_TOO_LARGE",
        415 => "UNSUPPORTED_MEDIA_TYPE",
        429 => "TOO_MANY_REQUESTS",
        501 => "NOT_IMPLEMENTED",
        503 => "UNAVAILABLE",
        _ => status >= 500 ? "INTERNAL_ERROR" : "REFUSED",
    };

    /// <summary>Completes problems that the framework makes: code and trace id.</summary>
    internal static void Complete(ProblemDetailsContext context)
    {
        var problem = context.ProblemDetails;
        problem.Extensions.TryAdd(
            "code", problem is HttpValidationProblemDetails or ValidationProblemDetails ? "VALIDATION_FAILED" : CodeOf(problem.Status ?? 500));
        // The framework adds its own under the name that the JSON policy makes of it.
        problem.Extensions.Remove("trace_id");
        problem.Extensions["traceId"] = Activity.Current?.TraceId.ToHexString() ?? context.HttpContext.TraceIdentifier;
    }

    private static ProblemDetails Details(int status, string code, string detail, IReadOnlyDictionary<string, object?>? extensions)
    {
        var problem = new ProblemDetails { Status = status, Detail = detail };
        foreach (var (name, value) in extensions ?? new Dictionary<string, object?>())
        {
            problem.Extensions[name] = value;
        }

        problem.Extensions["code"] = code;
        // The framework adds its own under the name that the JSON policy makes of it.
        problem.Extensions.Remove("trace_id");
        problem.Extensions["traceId"] = Activity.Current?.TraceId.ToHexString();
        return problem;
    }
}

/// <summary>
/// Exceptions that reach the pipeline as problems: bad requests keep their status, what could not be reached is 503, everything else is
/// 500; the last two are logged.
/// </summary>
internal sealed partial class ProblemExceptionHandler(ILogger<ProblemExceptionHandler> logger) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext http, Exception exception, CancellationToken cancellationToken)
    {
        switch (exception)
        {
            case BadHttpRequestException bad:
                await Problems.WriteAsync(http, bad.StatusCode, Problems.CodeOf(bad.StatusCode), bad.Message);
                return true;
            case OperationCanceledException when http.RequestAborted.IsCancellationRequested:
                return true;
            case var _ when IsAway(exception):
                LogAway(logger, exception, http.Request.Method, http.Request.Path);
                http.Response.Headers.RetryAfter = "2";
                await Problems.WriteAsync(http, 503, "UNAVAILABLE", DeliveryFailure(http) ?? "Something that this needs cannot be reached; try again soon");
                return true;
            default:
                LogFailed(logger, exception, http.Request.Method, http.Request.Path);
                await Problems.WriteAsync(
                    http, 500, "INTERNAL_ERROR", DeliveryFailure(http) ?? "Something went wrong here; the trace id helps to find out what");
                return true;
        }
    }

    /// <summary>The own sidecar is told what went wrong with a message: it writes it on the dead letter.</summary>
    private static string? DeliveryFailure(HttpContext http) => http.Items[typeof(DeliveryFailures)] as string;

    /// <summary>The sidecar, or the app behind a call, did not answer at all.</summary>
    private static bool IsAway(Exception exception) => exception
        is HttpRequestException { StatusCode: null or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout }
        or DaprException { InnerException: HttpRequestException or OperationCanceledException };

    [LoggerMessage(911, LogLevel.Warning, "{Method} {Path} could not reach what it needs")]
    private static partial void LogAway(ILogger logger, Exception exception, string method, string path);

    [LoggerMessage(901, LogLevel.Error, "{Method} {Path} failed")]
    private static partial void LogFailed(ILogger logger, Exception exception, string method, string path);
}
