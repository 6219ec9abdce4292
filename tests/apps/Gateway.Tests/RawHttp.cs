using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Gateway.Tests;

/// <summary>A connection that sends what no HTTP client would.</summary>
internal sealed class RawHttp : IAsyncDisposable
{
    private readonly TcpClient _tcp = new();

    private StreamReader Reader => field ??= new StreamReader(_tcp.GetStream(), Encoding.Latin1);

    public static async Task<RawHttp> ConnectAsync(GatewayApp app)
    {
        var raw = new RawHttp();
        await raw._tcp.ConnectAsync(IPAddress.Loopback, app.ClientOptions.BaseAddress.Port);
        return raw;
    }

    /// <summary>Sends text as it is, one byte per character.</summary>
    public async Task SendAsync(string text) => await _tcp.GetStream().WriteAsync(Encoding.Latin1.GetBytes(text));

    /// <summary>Status of the next answer, whose head is read; 0 when the connection ends instead.</summary>
    public async Task<int> StatusAsync()
    {
        try
        {
            var status = await Reader.ReadLineAsync().WaitAsync(GatewayApp.Patience);
            return status is null ? 0 : int.Parse(status.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    /// <summary>All that comes until the server closes the connection.</summary>
    public async Task<string> ToEndAsync()
    {
        try
        {
            return await Reader.ReadToEndAsync().WaitAsync(GatewayApp.Patience);
        }
        catch (IOException)
        {
            return "";
        }
    }

    public ValueTask DisposeAsync()
    {
        _tcp.Dispose();
        return ValueTask.CompletedTask;
    }
}
