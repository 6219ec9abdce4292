using System.Net;
using System.Net.Sockets;
using LocalServers;

namespace Desk.Tests;

/// <summary>Listens at one port of every address that this machine has, of both families where there are two, and counts who connects. It answers nobody.</summary>
internal sealed class Tripwire : IAsyncDisposable
{
    private readonly Socket _listener = Listen();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private int _connections;

    public Tripwire() => _accepting = AcceptAsync();

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    /// <summary>Connections so far. One that is made before this is asked has been counted: it stands in the queue in front of ours.</summary>
    public async Task<int> ConnectionsAsync(CancellationToken cancellationToken)
    {
        using var last = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await last.ConnectAsync(IPAddress.Loopback, Port, cancellationToken);
        // Ours is closed when it was accepted, and by then all before it.
        await last.ReceiveAsync(new byte[1], cancellationToken);
        return Interlocked.Decrement(ref _connections);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _accepting;
        _listener.Dispose();
        _stop.Dispose();
    }

    /// <summary>At a port that no server of another test has just left: its clients come back to it and would be counted.</summary>
    private static Socket Listen()
    {
        while (true)
        {
            var listener = Socket.OSSupportsIPv6
                ? new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true }
                : new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                listener.Bind(new IPEndPoint(Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, FreePort.Next()));
                listener.Listen();
                return listener;
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                // Free on the loopback interface, not on all the others.
                listener.Dispose();
            }
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                using var connection = await _listener.AcceptAsync(_stop.Token);
                Interlocked.Increment(ref _connections);
            }
        }
        catch (OperationCanceledException)
        {
            // Over.
        }
    }
}
