using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Sidecar.Components.RabbitMq.Tests;

/// <summary>Passes a connection on and puts another version into the server's greeting; both texts have the same length.</summary>
internal sealed class VersionProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _serving;

    public VersionProxy(int target, string version, string shown)
    {
        Assert.Equal(version.Length, shown.Length);
        _listener.Start();
        _serving = ServeAsync(target, Encoding.ASCII.GetBytes(version), Encoding.ASCII.GetBytes(shown));
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _serving;
        _listener.Dispose();
    }

    private async Task ServeAsync(int target, byte[] version, byte[] shown)
    {
        try
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                using var server = new TcpClient();
                await server.ConnectAsync(IPAddress.Loopback, target, _stop.Token);
                await Task.WhenAny(PassAsync(client, server, null), PassAsync(server, client, bytes => Replace(bytes, version, shown)));
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    private async Task PassAsync(TcpClient from, TcpClient to, Action<Memory<byte>>? change)
    {
        var buffer = new byte[64 * 1024];
        while (await from.GetStream().ReadAsync(buffer, _stop.Token) is > 0 and var count)
        {
            change?.Invoke(buffer.AsMemory(0, count));
            await to.GetStream().WriteAsync(buffer.AsMemory(0, count), _stop.Token);
        }
    }

    private static void Replace(Memory<byte> bytes, byte[] text, byte[] other)
    {
        for (var index = bytes.Span.IndexOf(text); index >= 0; index = bytes.Span.IndexOf(text))
        {
            other.CopyTo(bytes.Span[index..]);
        }
    }
}
