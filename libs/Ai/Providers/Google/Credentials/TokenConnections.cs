using Google.Apis.Http;
using IHttpClientFactory = Google.Apis.Http.IHttpClientFactory;

namespace Ai.Providers.Google.Credentials;

/// <summary>Connections to token endpoints and the metadata server. They send once, because the policies around the call send again.</summary>
internal sealed class TokenConnections : IHttpClientFactory, IDisposable
{
    private readonly SocketsHttpHandler _sockets = new()
    {
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        ConnectTimeout = TimeSpan.FromSeconds(5),
        AllowAutoRedirect = false,
    };

    public ConfigurableHttpClient CreateHttpClient(CreateHttpClientArgs args)
    {
        var handler = new ConfigurableMessageHandler(_sockets) { NumTries = 1, FollowRedirect = false };
        var client = new ConfigurableHttpClient(handler, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };
        // Among them is the credential that signs the request for another one's token.
        foreach (var initializer in args.Initializers.Where(initializer => initializer is not ExponentialBackOffInitializer))
        {
            initializer.Initialize(client);
        }

        return client;
    }

    public void Dispose() => _sockets.Dispose();
}
