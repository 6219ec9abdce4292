using Google.Apis.Http;
using IHttpClientFactory = Google.Apis.Http.IHttpClientFactory;

namespace Ai.Providers.Google.Credentials;

/// <summary>
/// Connections to token endpoints and the metadata server. They send once: the package's own initializers, which would add retries and waits, are left out,
/// because the policies around the call do that.
/// </summary>
internal sealed class TokenConnections : IHttpClientFactory, IDisposable
{
    private readonly SocketsHttpHandler _sockets = new()
    {
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        ConnectTimeout = TimeSpan.FromSeconds(5),
        AllowAutoRedirect = false,
    };

    public ConfigurableHttpClient CreateHttpClient(CreateHttpClientArgs args) =>
        new(new ConfigurableMessageHandler(_sockets) { NumTries = 1, FollowRedirect = false }, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };

    public void Dispose() => _sockets.Dispose();
}
