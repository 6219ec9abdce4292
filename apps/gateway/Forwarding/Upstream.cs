using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Microsoft.Extensions.Options;

namespace Gateway.Forwarding;

/// <summary>The connections behind the gateway: one pool, no proxy, no cookies, no redirects.</summary>
internal sealed class Upstream(IOptions<GatewayOptions> options) : IDisposable
{
    /// <summary>Sends requests; unlike HttpClient it buffers nothing and knows no timeout of its own.</summary>
    public HttpMessageInvoker Client { get; } = new(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        ConnectTimeout = options.Value.ConnectTimeout,
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        EnableMultipleHttp2Connections = true,
    });

    /// <summary>Whether the failure shows that nothing of the request left this process.</summary>
    public static bool WasNotSent(HttpRequestException exception) =>
        exception.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
        && exception.InnerException is SocketException or TimeoutException or OperationCanceledException;

    /// <summary>
    /// Whether a response is the sidecar's own word that the app could not be reached, not an answer of the app: apps answer
    /// errors as problem+json.
    /// </summary>
    public static async ValueTask<bool> IsSidecarFailureAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.StatusCode != HttpStatusCode.InternalServerError || response.Content.Headers.ContentType is not { MediaType: "application/json" })
        {
            return false;
        }

        await response.Content.LoadIntoBufferAsync(64 * 1024, cancellationToken);
        return (await response.Content.ReadAsStringAsync(cancellationToken)).Contains("\"ERR_DIRECT_INVOKE\"", StringComparison.Ordinal);
    }

    /// <summary>Whether the body is an event stream.</summary>
    public static bool IsEventStream(MediaTypeHeaderValue? type) => type?.MediaType == "text/event-stream";

    public void Dispose() => Client.Dispose();
}
