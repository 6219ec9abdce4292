using Sidecar.Runtime.App;

namespace Sidecar.Runtime.Invocation;

/// <summary>
/// Calls of addresses outside the run (dapr-http §4, external URL). Unlike calls of apps they may go through the proxy of the machine, and carry no
/// token. Redirects are the caller's to follow.
/// </summary>
internal sealed class ExternalCalls
{
    /// <summary>How long a connection may take.</summary>
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false, UseCookies = false, ActivityHeadersPropagator = null, ConnectTimeout = ConnectTimeout,
    });

    /// <summary>Sends once. Throws <see cref="AppUnreachableException"/> when no answer comes.</summary>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return await _http.SendAsync(request, cancellationToken);
        }
        catch (HttpRequestException exception)
        {
            throw new AppUnreachableException(exception.Message, exception)
            {
                NotSent = exception.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError,
            };
        }
    }
}
