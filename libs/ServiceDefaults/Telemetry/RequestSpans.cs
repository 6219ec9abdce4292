using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace ServiceDefaults.Telemetry;

/// <summary>
/// Completes the span of a request by OpenTelemetry's HTTP conventions: named by method and route, with route and status, an error from
/// 500 on. Probes and scrapes are not traced: there are more of them than of anything else. The package
/// OpenTelemetry.Instrumentation.AspNetCore would replace this.
/// </summary>
internal sealed class RequestSpans(RequestDelegate next)
{
    private static readonly string[] Untraced = ["/healthz", "/health", "/ready", "/readyz", "/metrics"];

    public Task InvokeAsync(HttpContext http) =>
        http.Features.Get<IHttpActivityFeature>()?.Activity is { IsAllDataRequested: true } span ? TraceAsync(http, span) : next(http);

    private async Task TraceAsync(HttpContext http, Activity span)
    {
        if (Untraced.Any(path => http.Request.Path.StartsWithSegments(path)))
        {
            span.IsAllDataRequested = false;
            span.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
            await next(http);
            return;
        }

        // Before an error handler runs the request again as another endpoint.
        var route = (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText;
        span.DisplayName = route is null ? http.Request.Method : $"{http.Request.Method} {route}";
        span.SetTag("http.route", route);
        await next(http);
        span.SetTag("http.response.status_code", http.Response.StatusCode);
        if (http.Response.StatusCode >= 500)
        {
            span.SetStatus(ActivityStatusCode.Error);
        }
    }
}
