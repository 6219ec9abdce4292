using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Sidecar.Api.Tests.Doors;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Runtime;
using StateItem = Tandem.Protocol.Runtime.StateItem;

namespace Sidecar.Api.Tests;

/// <summary>Bodies that are not what they say, or too large: refused before anything of them is kept, with a message that says why.</summary>
public sealed class BadBodyTests : IAsyncLifetime
{
    private const int Limit = 4 * 1024 * 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly TestRun _run = new TestRun().Component("store", "state.in-memory", "actorStateStore=true").Component("bus", "pubsub.in-memory").Component("locks", "lock.tandem");
    private HttpClient _http = null!;

    public async ValueTask InitializeAsync()
    {
        await _run.AppAsync("a");
        await _run.StartAsync();
        _http = _run.Client();
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _run.DisposeAsync();
    }

    [Theory]
    [InlineData("state/store", """[{"key":"k","value":"?"}]""")]
    [InlineData("state/store", """[{"key":"?","value":1}]""")]
    [InlineData("state/store/bulk", """{"keys":["?"]}""")]
    [InlineData("state/store/transaction", """{"operations":[{"operation":"upsert","request":{"key":"k","value":{"?":1}}}]}""")]
    [InlineData("publish/bus/t", """{"text":"?"}""")]
    [InlineData("publish/bulk/bus/t", """[{"entryId":"1","event":"?","contentType":"text/plain"}]""")]
    [InlineData("lock/locks", """{"resourceId":"?","lockOwner":"o","expiryInSeconds":5}""", "v1.0-alpha1")]
    [InlineData("workflows/dapr/name/start", "\"?\"")]
    public async Task Json_that_is_not_utf8_is_malformed(string path, string body, string version = "v1.0")
    {
        var response = await _http.PostAsync($"/{version}/{path}", Json(NotUtf8(body)));

        var error = await response.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal((HttpStatusCode.BadRequest, "ERR_MALFORMED_REQUEST"), (response.StatusCode, error.GetProperty("errorCode").GetString()));
        Assert.Contains("UTF-8", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NoContent, (await _http.GetAsync("/v1.0/state/store/k")).StatusCode);
    }

    [Fact]
    public async Task Json_that_is_not_utf8_is_malformed_over_grpc()
    {
        using var channel = GrpcDoor.Channel(_run);

        var error = await Assert.ThrowsAsync<GrpcException>(() => channel.UnaryAsync(
            "/dapr.proto.runtime.v1.Dapr/PublishEvent",
            new PublishEventRequest { PubsubName = "bus", Topic = "t", Data = ByteString.CopyFrom(NotUtf8("\"?\"")), DataContentType = "application/json" },
            Empty.Parser));

        Assert.Equal(GrpcStatusCode.InvalidArgument, error.StatusCode);
        Assert.Contains("UTF-8", error.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bytes_that_came_over_grpc_are_base64_in_a_bulk_get()
    {
        using var channel = GrpcDoor.Channel(_run);
        var value = NotUtf8("\"?\"");
        await channel.UnaryAsync(
            "/dapr.proto.runtime.v1.Dapr/SaveState",
            new SaveStateRequest { StoreName = "store", States = { new StateItem { Key = "bytes", Value = ByteString.CopyFrom(value) } } },
            Empty.Parser);

        var items = await (await _http.PostAsJsonAsync("/v1.0/state/store/bulk", new { keys = new[] { "bytes" } })).Content.ReadFromJsonAsync<JsonElement>();

        Assert.Equal(value, items[0].GetProperty("data").GetBytesFromBase64());
    }

    [Fact]
    public async Task A_body_that_says_it_is_too_large_is_refused_unread()
    {
        using var socket = await ConnectAsync();
        await socket.SendAsync(Encoding.ASCII.GetBytes(Head($"Content-Length: {Limit + 1}")));

        Assert.Contains($"the body is larger than {Limit} bytes", await AnswerAsync(socket, "HTTP/1.1 413 "), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_of_unknown_length_is_refused_where_it_passes_the_limit()
    {
        using var socket = await ConnectAsync();
        await socket.SendAsync(Encoding.ASCII.GetBytes(Head("Transfer-Encoding: chunked")));
        var sending = SendChunksAsync(socket);

        Assert.Contains($"the body is larger than {Limit} bytes", await AnswerAsync(socket, "HTTP/1.1 413 "), StringComparison.Ordinal);

        socket.Dispose();
        await sending.WaitAsync(Patience);
        Assert.Equal(HttpStatusCode.NoContent, (await _http.PostAsJsonAsync("/v1.0/state/store", new[] { new { key = "next", value = 1 } })).StatusCode);
    }

    private string Head(string length) => $"POST /v1.0/state/store HTTP/1.1\r\nHost: {_http.BaseAddress!.Authority}\r\nContent-Type: application/json\r\n{length}\r\n\r\n";

    private static byte[] NotUtf8(string text) => [.. Encoding.ASCII.GetBytes(text).SelectMany(value => value == '?' ? new byte[] { 0xC3, 0x28 } : [value])];

    private static ByteArrayContent Json(byte[] body) => new(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };

    private async Task<Socket> ConnectAsync()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, _run.Sidecar.Instances[0].HttpPort);
        return socket;
    }

    /// <summary>More chunks than anybody takes, until the connection ends.</summary>
    private static async Task SendChunksAsync(Socket socket)
    {
        byte[] chunk = [.. "10000\r\n"u8, .. new byte[0x10000], .. "\r\n"u8];
        try
        {
            while (true)
            {
                await socket.SendAsync(chunk);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Reset after the answer.
        }
    }

    /// <summary>The answer as text, up to the end of its JSON.</summary>
    private static async Task<string> AnswerAsync(Socket socket, string expected)
    {
        using var patience = new CancellationTokenSource(Patience);
        var text = new StringBuilder();
        var buffer = new byte[4096];
        while (!text.ToString().Contains('}', StringComparison.Ordinal))
        {
            var count = await socket.ReceiveAsync(buffer, patience.Token);
            Assert.True(count > 0, $"the connection ended after '{text}'");
            text.Append(Encoding.ASCII.GetString(buffer, 0, count));
        }

        Assert.StartsWith(expected, text.ToString(), StringComparison.Ordinal);
        return text.ToString();
    }
}
