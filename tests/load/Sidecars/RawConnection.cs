using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Load.Sidecars;

/// <summary>
/// One HTTP/1.1 connection that sends the same request again and again: costs next to nothing, so that what is measured is the server
/// and not the load.
/// </summary>
internal sealed class RawConnection : IDisposable
{
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _buffer = new byte[4096];
    private readonly byte[] _request;
    private readonly int _bodyLength;

    private RawConnection(byte[] request, int bodyLength) => (_request, _bodyLength) = (request, bodyLength);

    /// <summary>What the next request brings; may be written over, at the same length.</summary>
    public Span<byte> Body => _request.AsSpan(_request.Length - _bodyLength);

    /// <summary>Connects; the request is a POST of the body, or a GET without one, with other headers as lines.</summary>
    public static async Task<RawConnection> OpenAsync(Uri address, string? body, CancellationToken cancellationToken, string headers = "")
    {
        var line = $"{(body is null ? "GET" : "POST")} {address.PathAndQuery} HTTP/1.1\r\nHost: {address.Authority}\r\n{headers}";
        var request = body is null ? $"{line}\r\n" : $"{line}Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}";
        var connection = new RawConnection(Encoding.ASCII.GetBytes(request), body?.Length ?? 0);
        await connection._socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, address.Port), cancellationToken);
        return connection;
    }

    /// <summary>Sends the request and reads the answer, which fits into the buffer.</summary>
    public async ValueTask SendAsync(CancellationToken cancellationToken)
    {
        await _socket.SendAsync(_request, cancellationToken);
        var length = 0;
        do
        {
            var read = await _socket.ReceiveAsync(_buffer.AsMemory(length), cancellationToken);
            if (read == 0)
            {
                throw new IOException("the server closed the connection");
            }

            length += read;
        }
        while (!IsWhole(_buffer.AsSpan(0, length)));

        if (!_buffer.AsSpan().StartsWith("HTTP/1.1 2"u8))
        {
            throw new IOException(Encoding.ASCII.GetString(_buffer, 0, length));
        }
    }

    private static bool IsWhole(ReadOnlySpan<byte> answer)
    {
        var head = answer.IndexOf("\r\n\r\n"u8);
        if (head < 0)
        {
            return false;
        }

        var field = answer[..head].IndexOf(ContentLength);
        return field < 0 || (Utf8Parser.TryParse(answer[(field + ContentLength.Length)..], out int body, out _) && answer.Length >= head + 4 + body);
    }

    private static ReadOnlySpan<byte> ContentLength => "Content-Length: "u8;

    public void Dispose() => _socket.Dispose();
}
