using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Sidecar.Runtime;

namespace Sidecar.Api.Http;

/// <summary>
/// First in line: finds the app instance of the port and refuses who has no business here. Loopback is no trust boundary: a web
/// page can post to a port of this machine, so foreign Host and Origin headers are refused before the token is looked at.
/// </summary>
internal sealed class Gatekeeper
{
    private const string TokenHeader = "dapr-api-token";

    public async Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        var owner = (PortOwner)http.Features.GetRequiredFeature<IConnectionItemsFeature>().Items[typeof(PortOwner)]!;
        var (app, isGrpc) = owner;
        http.Items[typeof(AppInstance)] = app;
        http.Items[typeof(PortOwner)] = isGrpc;
        if (!IsOwnHost(http) || !http.Request.Headers.Origin.All(IsLoopbackOrigin))
        {
            await RefuseAsync(http, StatusCodes.Status403Forbidden, "this port answers to programs of this machine only");
            return;
        }

        if (owner.IsMetrics)
        {
            // Without a token, as daprd's: whoever reads it has none, and it names components and topics only.
            await MetricsPage.WriteAsync(http);
            return;
        }

        if (app.Instance.ApiToken is { } token && !IsHealth(http.Request.Path) && !HasToken(http.Request, token))
        {
            if (isGrpc)
            {
                http.Response.ContentType = "application/grpc";
                http.Response.Headers["grpc-status"] = "16";
                http.Response.Headers["grpc-message"] = "invalid api token";
                return;
            }

            await RefuseAsync(http, StatusCodes.Status401Unauthorized, "invalid api token");
            return;
        }

        http.Request.Headers.Remove(TokenHeader);

        // Duplicate slashes are what some SDKs send; the route table has single ones.
        if (http.Request.Path.Value is { } path && path.Contains("//", StringComparison.Ordinal))
        {
            http.Request.Path = string.Concat("/", string.Join('/', path.Split('/', StringSplitOptions.RemoveEmptyEntries)));
        }

        await next(http);
    }

    private static bool HasToken(HttpRequest request, string token) =>
        request.Headers[TokenHeader] is [{ } given, ..] && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(token));

    public static bool IsHealth(PathString path) => path.Value is "/v1.0/healthz" or "/v1.0/healthz/outbound";

    /// <summary>A socket of the file system has no address that a page could be made to ask for.</summary>
    private static bool IsOwnHost(HttpContext http) => http.Connection.LocalIpAddress is null
        || (IsLoopbackHost(http.Request.Host.Host) && http.Request.Host.Port == http.Connection.LocalPort);

    private static bool IsLoopbackHost(string host) => host is "127.0.0.1" or "localhost" or "[::1]" or "::1";

    private static bool IsLoopbackOrigin(string? origin) => Uri.TryCreate(origin, UriKind.Absolute, out var uri) && IsLoopbackHost(uri.Host);

    private static Task RefuseAsync(HttpContext http, int status, string text)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/plain";
        return http.Response.WriteAsync(text, http.RequestAborted);
    }
}

/// <summary>What a connection's port belongs to; put into the connection's items by its listener.</summary>
internal sealed record PortOwner(AppInstance App, bool IsGrpc)
{
    /// <summary>The port tells the counters and nothing else.</summary>
    public bool IsMetrics { get; init; }
}
