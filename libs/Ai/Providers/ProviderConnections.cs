using System.Collections.Concurrent;

namespace Ai.Providers;

/// <summary>The HTTP connections of the process to its providers: one pool each, shared by all models and keys.</summary>
internal sealed class ProviderConnections : IDisposable
{
    /// <summary>Longest life of a connection, so that a provider's change of address is noticed.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Long enough to read what follows a stream's end marker, so that its connection is used again; short, because the provider of a stream that its reader
    /// left early is not to go on writing, and billing, for nobody.
    /// </summary>
    private static readonly TimeSpan DrainTime = TimeSpan.FromMilliseconds(200);

    private readonly ConcurrentDictionary<string, Lazy<HttpClient>> _clients = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The connections to a provider.</summary>
    public HttpClient Of(string provider) => _clients.GetOrAdd(provider, _ => new Lazy<HttpClient>(() => new HttpClient(new SocketsHttpHandler
    {
        PooledConnectionLifetime = Lifetime,
        // The policies' timeouts cover connecting too; this one only frees what a dead address holds.
        ConnectTimeout = TimeSpan.FromSeconds(10),
        AllowAutoRedirect = false,
        ResponseDrainTimeout = DrainTime,
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    })).Value;

    public void Dispose()
    {
        foreach (var client in _clients.Values.Where(client => client.IsValueCreated))
        {
            client.Value.Dispose();
        }
    }
}
