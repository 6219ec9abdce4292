using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Sidecar.Testing;

/// <summary>
/// A port of 127.0.0.1 that is kept for its owner. A bound socket that does not listen holds it: nobody else gets it, and who connects is refused, as
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

    /// <summary>
    /// Whether a server can listen beside the socket that holds its port. Then the port is kept until the end, also while the server is away: otherwise
    /// another program may be given it before the server is back.
    /// </summary>
    public static bool IsKept => OperatingSystem.IsLinux();

    public int Number { get; }

    /// <summary>Lets a server listen on the port that it is told.</summary>
    public void GiveTo(SocketTransportOptions transport)
    {
        if (!IsKept)
        {
            // It gets the socket; a later server makes one of its own.
            transport.CreateBoundListenSocket = endPoint =>
                (endPoint is IPEndPoint { Port: var port } && port == Number ? Interlocked.Exchange(ref _socket, null) : null)
                ?? SocketTransportOptions.CreateDefaultBoundListenSocket(endPoint);
        }
    }

    public void Dispose() => Interlocked.Exchange(ref _socket, null)?.Dispose();
}
