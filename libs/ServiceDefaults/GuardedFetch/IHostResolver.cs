using System.Net;

namespace ServiceDefaults.GuardedFetch;

/// <summary>Resolves names; tests put their own in its place.</summary>
public interface IHostResolver
{
    /// <summary>All addresses of a name; throws <see cref="System.Net.Sockets.SocketException"/> when there is none.</summary>
    Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken);
}

/// <summary>The machine's own way.</summary>
internal sealed class DnsHostResolver : IHostResolver
{
    public Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken) => Dns.GetHostAddressesAsync(host, cancellationToken);
}
