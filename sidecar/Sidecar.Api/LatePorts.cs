using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Sidecar.Abstractions;
using Sidecar.Api.Http;

namespace Sidecar.Api;

/// <summary>
/// Ports that are opened and closed while the server runs. To Kestrel they are two endpoints, one per protocol, whose connections come from any number of
/// sockets; it asks this factory for them and <paramref name="sockets"/> does the work.
/// </summary>
internal sealed class LatePorts(IConnectionListenerFactory sockets) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly Intake _http = new(new LateEndPoint("late-http"));
    private readonly Intake _grpc = new(new LateEndPoint("late-grpc"));

    public EndPoint Http => _http.EndPoint;

    public EndPoint Grpc => _grpc.EndPoint;

    public bool CanBind(EndPoint endpoint) => endpoint is LateEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IConnectionListener>(endpoint == Http ? _http : _grpc);

    /// <summary>Opens a port; 0 lets the system choose. What connects waits until <see cref="LatePort.Serve"/>.</summary>
    public async Task<LatePort> OpenAsync(int port, bool isGrpc, CancellationToken cancellationToken) =>
        (isGrpc ? _grpc : _http).Add(await BindAsync(port, cancellationToken));

    private async Task<IConnectionListener> BindAsync(int port, CancellationToken cancellationToken)
    {
        try
        {
            return await sockets.BindAsync(new IPEndPoint(IPAddress.Loopback, port), cancellationToken);
        }
        catch (Exception exception) when (exception is AddressInUseException or SocketException)
        {
            throw new ComponentException($"port {port} of 127.0.0.1 cannot be opened: {exception.Message}", exception);
        }
    }

    private sealed class LateEndPoint(string name) : EndPoint
    {
        public override string ToString() => name;
    }

    /// <summary>The listener that Kestrel sees.</summary>
    internal sealed class Intake(EndPoint endPoint) : IConnectionListener
    {
        private readonly ConcurrentQueue<LatePort> _ports = [];
        private readonly Channel<ConnectionContext> _accepted = Channel.CreateUnbounded<ConnectionContext>();

        public EndPoint EndPoint { get; } = endPoint;

        public LatePort Add(IConnectionListener listener)
        {
            var port = new LatePort(listener, _accepted.Writer);
            _ports.Enqueue(port);
            return port;
        }

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
            await _accepted.Reader.WaitToReadAsync(cancellationToken) ? await _accepted.Reader.ReadAsync(cancellationToken) : null;

        public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            foreach (var port in _ports)
            {
                await port.CloseAsync(cancellationToken);
            }

            _accepted.Writer.TryComplete();
        }

        public ValueTask DisposeAsync() => UnbindAsync();
    }
}

/// <summary>One socket of <see cref="LatePorts"/> and its connections.</summary>
internal sealed class LatePort(IConnectionListener listener, ChannelWriter<ConnectionContext> accepted)
{
    private readonly ConcurrentDictionary<ConnectionContext, TaskCompletionSource> _connections = [];
    private Task _accepting = Task.CompletedTask;

    public int Number { get; } = ((IPEndPoint)listener.EndPoint).Port;

    /// <summary>Begins to accept connections, for this owner.</summary>
    public void Serve(PortOwner owner) => _accepting = AcceptAsync(owner);

    /// <summary>Breaks every connection of the port without a word.</summary>
    public void BreakConnections()
    {
        foreach (var connection in _connections.Keys)
        {
            connection.Abort(new ConnectionAbortedException("the connection was broken on purpose"));
        }
    }

    /// <summary>Ends the connections after the answers that they are giving; those that are not over by then are broken.</summary>
    public async Task EndConnectionsAsync(TimeSpan limit)
    {
        foreach (var connection in _connections.Keys)
        {
            connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
        }

        var ends = _connections.Values.Select(closed => closed.Task).ToArray();
        await Task.WhenAll(ends).WaitAsync(limit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        BreakConnections();
    }

    public async ValueTask CloseAsync(CancellationToken cancellationToken)
    {
        await listener.UnbindAsync(cancellationToken);
        await _accepting;
        await listener.DisposeAsync();
    }

    private async Task AcceptAsync(PortOwner owner)
    {
        while (await listener.AcceptAsync() is { } connection)
        {
            connection.Items[typeof(PortOwner)] = owner;
            var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _connections.TryAdd(connection, closed);
            connection.ConnectionClosed.UnsafeRegister(
                _ =>
                {
                    _connections.TryRemove(connection, out var _);
                    closed.TrySetResult();
                },
                null);
            if (!accepted.TryWrite(connection))
            {
                await connection.DisposeAsync();
            }
        }
    }
}
