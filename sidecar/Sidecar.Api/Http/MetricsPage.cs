using System.Diagnostics;
using Microsoft.AspNetCore.Http;

namespace Sidecar.Api.Http;

/// <summary>The counters of an app's sidecar: counting its HTTP API, and <c>GET /metrics</c> on the port for it (protocol: HTTP §16).</summary>
internal static class MetricsPage
{
    public static Task CountAsync(HttpContext http, RequestDelegate next) => http.App().Metrics is { } metrics ? CountAsync(http, next, metrics) : next(http);

    private static async Task CountAsync(HttpContext http, RequestDelegate next, Runtime.Diagnostics.AppMetrics metrics)
    {
        var began = Stopwatch.GetTimestamp();
        await next(http);
        metrics.Requests.Add(began, http.Request.Method, http.Response.StatusCode.ToString(System.Globalization.CultureInfo.InvariantCulture), "");
    }

    /// <summary>Answers any request to the port.</summary>
    public static Task WriteAsync(HttpContext http)
    {
        if (http.Request.Path != "/metrics" || !HttpMethods.IsGet(http.Request.Method) || http.App().Metrics is not { } metrics)
        {
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }

        http.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        return http.Response.WriteAsync(metrics.Write(http.App().Components.All.Count()), http.RequestAborted);
    }
}
