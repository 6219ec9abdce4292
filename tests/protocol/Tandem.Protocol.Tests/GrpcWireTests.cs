using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Tandem.Protocol.Grpc;

namespace Tandem.Protocol.Tests;

/// <summary>Bytes and headers as another implementation may send them.</summary>
public sealed class GrpcWireTests
{
    private static readonly byte[] Hello = Framed(new StringValue { Value = "hello" });

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(6)]
    [InlineData(1000)]
    public async Task Frames_may_be_split_and_merged(int chunk)
    {
        var pipe = new Pipe();
        byte[] sent = [.. Hello, .. Framed(new StringValue()), .. Hello];
        var writing = Task.Run(async () =>
        {
            foreach (var piece in sent.Chunk(chunk))
            {
                await pipe.Writer.WriteAsync(piece);
            }

            await pipe.Writer.CompleteAsync();
        });

        var received = new List<string>();
        while (await GrpcFraming.ReadAsync(pipe.Reader, StringValue.Parser, 100, default) is { } message)
        {
            received.Add(message.Value);
        }

        await writing;
        Assert.Equal(["hello", "", "hello"], received);
    }

    [Theory]
    [InlineData(new byte[] { 1, 0, 0, 0, 0 }, GrpcStatusCode.Unimplemented)]
    [InlineData(new byte[] { 0, 0, 0, 0, 5, 1 }, GrpcStatusCode.Internal)]
    [InlineData(new byte[] { 0, 0, 0 }, GrpcStatusCode.Internal)]
    [InlineData(new byte[] { 0, 0xFF, 0xFF, 0xFF, 0xFF }, GrpcStatusCode.ResourceExhausted)]
    [InlineData(new byte[] { 0, 0, 0, 0, 2, 0x0A, 0x7F }, GrpcStatusCode.Internal)]
    [InlineData(new byte[] { }, GrpcStatusCode.Internal)]
    [InlineData(new byte[] { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, GrpcStatusCode.Internal)]
    public async Task Bad_request_bodies_get_a_status(byte[] body, GrpcStatusCode expected)
    {
        await using var server = await StartEchoAsync();

        var response = await PostAsync(server, body, "application/grpc");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(((int)expected).ToString(), Assert.Single(response.Headers.GetValues("grpc-status")));
        if (expected == GrpcStatusCode.Unimplemented)
        {
            Assert.Equal("identity", Assert.Single(response.Headers.GetValues("grpc-accept-encoding")));
        }
    }

    [Fact]
    public async Task Answer_is_a_frame_and_trailers()
    {
        await using var server = await StartEchoAsync();

        var response = await PostAsync(server, Hello, "application/grpc+proto");

        Assert.Equal("application/grpc", response.Content.Headers.ContentType!.ToString());
        Assert.Equal(Hello, await response.Content.ReadAsByteArrayAsync());
        Assert.Equal("0", Assert.Single(response.TrailingHeaders.GetValues("grpc-status")));
        Assert.False(response.Headers.Contains("grpc-status"));
    }

    [Fact]
    public async Task Other_content_types_are_refused()
    {
        await using var server = await StartEchoAsync();

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await PostAsync(server, Hello, "application/json")).StatusCode);
    }

    [Theory]
    [InlineData("1H", 3600)]
    [InlineData("2M", 120)]
    [InlineData("10S", 10)]
    [InlineData("1500m", 1.5)]
    [InlineData("1000000u", 1)]
    [InlineData("99999999n", 0.0999999)]
    public void Timeout_units_are_read(string text, double seconds)
    {
        Assert.True(GrpcTimeout.TryParse(text, out var timeout));
        Assert.Equal(seconds, timeout.TotalSeconds, 6);
    }

    [Theory]
    [InlineData("")]
    [InlineData("S")]
    [InlineData("10")]
    [InlineData("123456789S")]
    [InlineData("-1S")]
    [InlineData("1s")]
    public void Bad_timeouts_are_refused(string text) => Assert.False(GrpcTimeout.TryParse(text, out _));

    [Fact]
    public void Written_timeouts_can_be_read()
    {
        foreach (var timeout in new[] { TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(3), TimeSpan.FromDays(2), TimeSpan.FromDays(4000) })
        {
            Assert.True(GrpcTimeout.TryParse(GrpcTimeout.Format(timeout), out var read));
            Assert.InRange(read, timeout - TimeSpan.FromHours(1), timeout);
        }
    }

    [Theory]
    [InlineData("plain text", "plain text")]
    [InlineData("100%", "100%25")]
    [InlineData("é\n", "%C3%A9%0A")]
    public void Messages_are_percent_encoded(string text, string encoded)
    {
        Assert.Equal(encoded, GrpcPercentEncoding.Encode(text));
        Assert.Equal(text, GrpcPercentEncoding.Decode(encoded));
    }

    [Theory]
    [InlineData("50% off", "50% off")]
    [InlineData("%", "%")]
    [InlineData("%4", "%4")]
    [InlineData("%zz%41", "%zzA")]
    public void Broken_escapes_stand_for_themselves(string encoded, string text) => Assert.Equal(text, GrpcPercentEncoding.Decode(encoded));

    private static Task<GrpcTestServer> StartEchoAsync() => GrpcTestServer.StartAsync(new GrpcService("Echo").Unary(
        "Say", StringValue.Parser, (StringValue request, GrpcCallContext _) => Task.FromResult(request)));

    private static async Task<HttpResponseMessage> PostAsync(GrpcTestServer server, byte[] body, string contentType)
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server.Address, "/Echo/Say"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        return await client.SendAsync(request);
    }

    private static byte[] Framed(IMessage message)
    {
        var bytes = new byte[GrpcFraming.PrefixBytes + message.CalculateSize()];
        GrpcFraming.WritePrefix(bytes, message.CalculateSize());
        message.ToByteArray().CopyTo(bytes, GrpcFraming.PrefixBytes);
        return bytes;
    }
}
