using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Sidecar.Testing;

/// <summary>
/// The port of an app that is not there yet. A bound socket that does not listen holds it: nobody else gets it, and who connects is refused, as
/// by an app that has not started.
/// </summary>
internal sealed class ReservedPort : IDisposable
{
    private Socket? _socket;

    public ReservedPort()
    {
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Number = ((IPEndPoint)_socket.LocalEndPoint!).Port;
    }

    public int Number { get; }

    /// <summary>Hands the socket to a server that is told to listen on the port; a later server makes a socket of its own.</summary>
    public void GiveTo(SocketTransportOptions transport) => transport.CreateBoundListenSocket = endPoint =>
        (endPoint is IPEndPoint { Port: var port } && port == Number ? Interlocked.Exchange(ref _socket, null) : null)
        ?? SocketTransportOptions.CreateDefaultBoundListenSocket(endPoint);

    public void Dispose() => Interlocked.Exchange(ref _socket, null)?.Dispose();
}
