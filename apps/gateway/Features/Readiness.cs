using Gateway.Forwarding;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Gateway.Features;

/// <summary>
/// <c>GET /readyz</c>: 200 when every required app is ready, else 503 with the list of those that are not. For people and
/// tests, never a probe: it would take the gateway down with any app behind it.
/// </summary>
internal static class Readiness
{
    public sealed record Response(string Status, IReadOnlyList<string> Ready);

    public static void MapReadiness(this IEndpointRouteBuilder routes) => routes.MapGet("/readyz", HandleAsync).AllowAnonymous()
        .WithName(nameof(Readiness)).WithTags("Platform").WithSummary("Whether every required app is ready").Produces<Response>().Answers(503, "NOT_READY");

    private static async Task HandleAsync(
        HttpContext context, Upstream upstream, SidecarAddress sidecar, IOptions<GatewayOptions> options, CancellationToken cancellationToken)
    {
        var apps = options.Value.RequiredApps;
        var ready = await Task.WhenAll(apps.Select(app => IsReadyAsync(upstream, sidecar, app, options.Value.ReadyTimeout, cancellationToken)));
        var missing = apps.Where((_, i) => !ready[i]).ToArray();
        if (missing.Length == 0)
        {
            await context.Response.WriteAsJsonAsync(new Response("ready", apps), TandemJson.Options, cancellationToken);
            return;
        }

        context.Response.Headers.RetryAfter = "1";
        await Problems.WriteAsync(
            context, StatusCodes.Status503ServiceUnavailable, "NOT_READY", $"Not ready: {string.Join(", ", missing)}",
            new Dictionary<string, object?> { ["not_ready"] = missing });
    }

    private static async Task<bool> IsReadyAsync(
        Upstream upstream, SidecarAddress sidecar, string app, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(limit);
        using var request = new HttpRequestMessage(HttpMethod.Get, sidecar.Invoke(app, "/healthz/ready"));
        sidecar.Authorize(request);
        try
        {
            using var response = await upstream.Client.SendAsync(request, timeout.Token);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }
}
