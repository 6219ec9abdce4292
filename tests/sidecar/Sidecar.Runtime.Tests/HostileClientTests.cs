using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using Sidecar.Api.Tests;

namespace Sidecar.Runtime.Tests;

/// <summary>What no SDK sends: the sidecar refuses it and goes on for everybody else.</summary>
public sealed class HostileClientTests
{
    private static readonly byte[] Preface = Encoding.ASCII.GetBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

    public static TheoryData<string, byte[]> Frames => new()
    {
        { "no HTTP/2 at all", Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n") },
        { "random bytes", [.. Enumerable.Range(0, 4096).Select(index => (byte)(index * 31 % 251))] },
        { "a frame longer than allowed", [.. Preface, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 1] },
        { "data on stream 0", [.. Preface, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 42] },
        { "headers that are no HPACK", [.. Preface, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 4, 1, 5, 0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF] },
        { "a frame that is cut off", [.. Preface, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 99, 1, 4] },
    };

    [Theory]
    [MemberData(nameof(Frames))]
    public async Task Broken_frames_end_their_connection_and_no_other(string what, byte[] bytes)
    {
        await using var run = await StartAsync();
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, run.Sidecar.Instances[0].GrpcPort);

        await socket.SendAsync(bytes);
        socket.Shutdown(SocketShutdown.Send);
        var buffer = new byte[4096];
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        try
        {
            while (await socket.ReceiveAsync(buffer, patience.Token) > 0)
            {
                // What it says before it hangs up is its own affair.
            }
        }
        catch (SocketException)
        {
            // Reset: hung up, too.
        }

        Assert.Equal("0", await GrpcStatusAsync(run, "GetMetadata", [0, 0, 0, 0, 0]) is var status && status == "0" ? status : $"{status} after {what}");
    }

    [Theory]
    [InlineData("a message that is no protobuf", new byte[] { 0, 0, 0, 0, 3, 0xFF, 0xFF, 0xFF })]
    [InlineData("a message that is cut off", new byte[] { 0, 0, 0, 0, 9, 10 })]
    [InlineData("a text that is not UTF-8", new byte[] { 0, 0, 0, 0, 4, 10, 2, 0xC3, 0x28 })]
    [InlineData("a length beyond all limits", new byte[] { 0, 0x7F, 0xFF, 0xFF, 0xFF })]
    public async Task A_message_that_cannot_be_read_fails_its_call_and_no_other(string what, byte[] bytes)
    {
        await using var run = await StartAsync();

        Assert.NotEqual("0", await GrpcStatusAsync(run, "GetState", bytes));

        Assert.Equal("0", await GrpcStatusAsync(run, "GetMetadata", [0, 0, 0, 0, 0]) is var status && status == "0" ? status : $"{status} after {what}");
    }

    [Fact]
    public async Task Clients_that_send_half_a_request_keep_nobody_waiting()
    {
        await using var run = await StartAsync();
        var sockets = new List<Socket>();
        for (var index = 0; index < 200; index++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            sockets.Add(socket);
            await socket.ConnectAsync(IPAddress.Loopback, run.Sidecar.Instances[0].HttpPort);
            await socket.SendAsync("POST /v1.0/state/store HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Le"u8.ToArray());
        }

        using var http = run.Client();
        Assert.Equal(HttpStatusCode.NoContent, (await http.PostAsJsonAsync("/v1.0/state/store", new[] { new { key = "k", value = 1 } })).StatusCode);
        sockets.ForEach(socket => socket.Dispose());
    }

    private static async Task<TestRun> StartAsync()
    {
        var run = new TestRun().Component("store", "state.in-memory").Component("bus", "pubsub.in-memory");
        await run.AppAsync("app");
        return await run.StartAsync();
    }

    private static async Task<string?> GrpcStatusAsync(TestRun run, string method, byte[] body)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://127.0.0.1:{run.Sidecar.Instances[0].GrpcPort}/dapr.proto.runtime.v1.Dapr/{method}")
        {
            Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new ByteArrayContent(body),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        using var response = await http.SendAsync(request);
        await response.Content.ReadAsByteArrayAsync();
        return (response.TrailingHeaders.TryGetValues("grpc-status", out var values) || response.Headers.TryGetValues("grpc-status", out values)) ? values.Single() : null;
    }
}
