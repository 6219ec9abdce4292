using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Sidecar.Abstractions;

namespace Sidecar.Api.Http;

/// <summary>
/// <c>httpPipeline</c> of the app's Configuration around the HTTP API (protocol: config §4). Health is answered without it, as without the
/// API token: whoever starts the process must see that it is up.
/// </summary>
internal static class RequestPipeline
{
    public static Task InvokeAsync(HttpContext http, RequestDelegate next) =>
        http.App().ApiPipeline.IsEmpty || Gatekeeper.IsHealth(http.Request.Path) ? next(http) : AskAsync(http, next);

    private static async Task AskAsync(HttpContext http, RequestDelegate next)
    {
        var feature = http.Features.GetRequiredFeature<IHttpRequestFeature>();
        var request = new MiddlewareRequest(
            http.Request.Method, feature.RawTarget, name => http.Request.Headers[name] is [{ } value, ..] ? value : null,
            http.Connection.RemoteIpAddress?.ToString() ?? "");
        if (await http.App().ApiPipeline.RunAsync(request, http.RequestAborted) is { } answer)
        {
            http.Response.StatusCode = answer.Status;
            http.Response.ContentType = "text/plain; charset=utf-8";
            await http.Response.WriteAsync(answer.Text, http.RequestAborted);
            return;
        }

        if (request.Target != feature.RawTarget)
        {
            var query = request.Target.IndexOf('?', StringComparison.Ordinal);
            feature.RawTarget = request.Target;
            http.Request.Path = PathString.FromUriComponent(query < 0 ? request.Target : request.Target[..query]);
            http.Request.QueryString = new QueryString(query < 0 ? "" : request.Target[query..]);
        }

        await next(http);
    }
}
