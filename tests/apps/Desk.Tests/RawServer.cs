using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Desk.Tests;

/// <summary>A server on loopback that says to every request exactly what the test says, HTTP or not, and then closes the connection.</summary>
internal sealed class RawServer : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _connections = [];
    private readonly Task _accepting;
    private int _requests;

    public RawServer(IPEndPoint? at = null)
    {
        _listener = new TcpListener(at ?? new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public string Url => $"http://127.0.0.1:{Port}/a.png";

    /// <summary>Requests so far.</summary>
    public int Requests => Volatile.Read(ref _requests);

    /// <summary>What is said; the token ends with the server.</summary>
    public Func<Stream, CancellationToken, Task> Say { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>Says bytes.</summary>
    public void Says(string head, params byte[] body) => Say = async (stream, cancellationToken) =>
    {
        await stream.WriteAsync(Encoding.Latin1.GetBytes(head.ReplaceLineEndings("\r\n")), cancellationToken);
        await stream.WriteAsync(body, cancellationToken);
    };

    /// <summary>Says a text again and again, for as long as somebody listens.</summary>
    public void SaysWithoutEnd(string head, string again) => Say = async (stream, cancellationToken) =>
    {
        await stream.WriteAsync(Encoding.Latin1.GetBytes(head.ReplaceLineEndings("\r\n")), cancellationToken);
        var more = Encoding.Latin1.GetBytes(again.ReplaceLineEndings("\r\n"));
        while (true)
        {
            await stream.WriteAsync(more, cancellationToken);
        }
    };

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _accepting;
        await Task.WhenAll(_connections);
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _connections.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
        }
        catch (OperationCanceledException)
        {
            // Over.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                await using var stream = client.GetStream();
                await ReadHeadAsync(stream);
                Interlocked.Increment(ref _requests);
                await Say(stream, _stop.Token);
                client.Client.Shutdown(SocketShutdown.Send);
                // Until the other side has closed, too: an unread request would reset what was said.
                var rest = new byte[4096];
                while (await stream.ReadAsync(rest, _stop.Token) > 0)
                {
                }
            }
            catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException)
            {
                // Whoever asked has gone, or the test is over.
            }
        }
    }

    private async Task ReadHeadAsync(NetworkStream stream)
    {
        var one = new byte[1];
        for (var matched = 0; matched < 4; matched = one[0] == "\r\n\r\n"u8[matched] ? matched + 1 : one[0] == '\r' ? 1 : 0)
        {
            await stream.ReadExactlyAsync(one, _stop.Token);
        }
    }
}
