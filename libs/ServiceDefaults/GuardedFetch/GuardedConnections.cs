using System.Net;
using System.Net.Sockets;

namespace ServiceDefaults.GuardedFetch;

/// <summary>
/// Connections to where a user's address was checked to lead, and nowhere else (OWASP SSRF prevention): a name is resolved once, all its addresses must be
/// public, and the socket goes to one of these; TLS and the Host header keep the name.
/// </summary>
internal static class GuardedConnections
{
    private static readonly HttpRequestOptionsKey<IPAddress[]> Checked = new("guarded-fetch.addresses");

    /// <summary>The handler of a client: nothing of it is shared with other requests. No proxy, cookies, credentials, trace headers, redirects, decompression.</summary>
    public static SocketsHttpHandler CreateHandler() => new()
    {
        AllowAutoRedirect = false,
        UseProxy = false,
        UseCookies = false,
        Credentials = null,
        AutomaticDecompression = DecompressionMethods.None,
        // Strangers are not told our traces.
        ActivityHeadersPropagator = null,
        MaxResponseHeadersLength = 16,
        MaxResponseDrainSize = 0,
        // A connection serves the request whose addresses were checked, and no other.
        PooledConnectionLifetime = TimeSpan.Zero,
        ConnectTimeout = Timeout.InfiniteTimeSpan,
        ConnectCallback = ConnectAsync,
    };

    /// <summary>The addresses of a host that passed <see cref="FetchTarget.Check"/>, or why it is not asked.</summary>
    public static async Task<(IPAddress[]? Addresses, FetchFailure? Failure)> ResolveAsync(
        string host, GuardedTargetOptions options, IHostResolver resolver, CancellationToken cancellationToken)
    {
        IPAddress[] addresses;
        try
        {
            addresses = IPAddress.TryParse(host, out var address) ? [address] : await resolver.ResolveAsync(host, cancellationToken);
        }
        catch (SocketException)
        {
            addresses = [];
        }

        if (addresses.Length == 0)
        {
            return (null, FetchFailure.Unreachable());
        }

        return addresses.All(address => IsAllowed(host, address, options)) ? (addresses, null) : (null, FetchFailure.HostForbidden());
    }

    /// <summary>Whether a host may be at an address.</summary>
    public static bool IsAllowed(string host, IPAddress address, GuardedTargetOptions options) =>
        PublicAddresses.Contains(address) || (IPAddress.IsLoopback(address) && FetchTarget.IsNamed(host, options.LoopbackHosts));

    /// <summary>The request connects to these addresses only.</summary>
    public static void Pin(HttpRequestMessage request, IPAddress[] addresses) => request.Options.Set(Checked, addresses);

    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        if (!context.InitialRequestMessage.Options.TryGetValue(Checked, out var addresses))
        {
            throw new InvalidOperationException("a request whose addresses were not checked");
        }

        for (var index = 0; ; index++)
        {
            var socket = new Socket(addresses[index].AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(new IPEndPoint(addresses[index], context.DnsEndPoint.Port), cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (SocketException) when (index < addresses.Length - 1)
            {
                socket.Dispose();
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }
    }
}
