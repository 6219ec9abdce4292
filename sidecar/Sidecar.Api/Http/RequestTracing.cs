using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Sidecar.Runtime;
using Sidecar.Runtime.Diagnostics;

namespace Sidecar.Api.Http;

/// <summary>
/// The server span of an API call (protocol: HTTP §0.5). It takes the place of the caller's in the request's headers, so that whatever the
/// call leads to, an invocation, a message, a workflow, is below it. Health probes and streams of gRPC make none.
/// </summary>
internal static class RequestTracing
{
    private const string GrpcApi = "/dapr.proto.runtime.v1.Dapr/";

    public static Task InvokeAsync(HttpContext http, RequestDelegate next) =>
        http.App().Tracing is { } tracing && IsTraced(http) ? TraceAsync(tracing, http, next) : next(http);

    private static async Task TraceAsync(AppTracing tracing, HttpContext http, RequestDelegate next)
    {
        var headers = http.Request.Headers;
        using var span = tracing.StartSpan(http.Request.Path.Value!, ActivityKind.Server, headers.TraceParent, headers.TraceState);
        if (span?.Id is { } id)
        {
            headers.TraceParent = id;
            http.Response.OnStarting(() =>
            {
                http.Response.Headers.TryAdd("traceparent", id);
                if (span.TraceStateString is { Length: > 0 } state)
                {
                    http.Response.Headers.TryAdd("tracestate", state);
                }

                return Task.CompletedTask;
            });
        }

        await next(http);
        if (span is { IsAllDataRequested: true })
        {
            span.SetTag("dapr.api", $"{http.Request.Method} {http.Request.Path}");
            span.SetTag("dapr.protocol", http.IsGrpcPort() ? "grpc" : "http");
            span.SetTag("dapr.status_code", http.Response.StatusCode);
            if (http.Response.StatusCode >= 500)
            {
                span.SetStatus(ActivityStatusCode.Error);
            }
        }
    }

    /// <summary>Throws 400 for baggage that is none (W3C Baggage §3.3), before it is passed on.</summary>
    public static void CheckBaggage(HttpContext http)
    {
        if (http.App().Tracing is not null && !IsBaggage(http.Request.Headers.Baggage))
        {
            throw new DaprErrorException(StatusCodes.Status400BadRequest, "ERR_BAD_REQUEST", "the header baggage is not a list of key=value");
        }
    }

    private static bool IsBaggage(StringValues baggage) => baggage.Count == 0 || baggage.ToString().Split(',').All(member =>
        member.Split(';')[0].Split('=', 2) is [var key, var value]
        && key.Trim() is { Length: > 0 } name && name.All(letter => char.IsAsciiLetterOrDigit(letter) || "!#$%&'*+-.^_`|~".Contains(letter))
        && value.Trim().All(letter => letter is > ' ' and < '\u007f' and not ('"' or ',' or ';' or '\\')));

    private static bool IsTraced(HttpContext http)
    {
        var path = http.Request.Path.Value!;
        return http.IsGrpcPort()
            ? path.StartsWith(GrpcApi, StringComparison.Ordinal) && !path.StartsWith($"{GrpcApi}Subscribe", StringComparison.Ordinal)
            : !path.StartsWith("/v1.0/healthz", StringComparison.Ordinal);
    }
}
