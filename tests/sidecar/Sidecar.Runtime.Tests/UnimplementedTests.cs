using System.Net;
using System.Net.Http.Headers;
using Sidecar.Api.Tests;

namespace Sidecar.Runtime.Tests;

/// <summary>What this engine does not have answers in Dapr's form, so that an SDK reports it as what it is.</summary>
public sealed class UnimplementedTests
{
    [Theory]
    [InlineData("POST", "/v1.0-alpha1/jobs/j", "jobs")]
    [InlineData("POST", "/v1.0-alpha2/conversation/c/converse", "conversation")]
    [InlineData("PUT", "/v1.0-alpha1/crypto/c/encrypt", "crypto")]
    [InlineData("POST", "/v1.0-alpha1/subtlecrypto/c/sign", "subtlecrypto")]
    public async Task Http_answers_501_with_code_and_message(string method, string path, string what)
    {
        await using var run = await StartAsync();
        using var http = run.Client();

        using var response = await http.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));

        Assert.Equal(HttpStatusCode.NotImplemented, response.StatusCode);
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(
            $$"""{"errorCode":"ERR_API_UNIMPLEMENTED","message":"{{what}}: not implemented by the embedded sidecar"}""", await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("dapr.proto.runtime.v1.Dapr/ScheduleJobAlpha1", "jobs: not implemented by the embedded sidecar")]
    [InlineData("dapr.proto.runtime.v1.Dapr/ConverseAlpha2", "conversation: not implemented by the embedded sidecar")]
    [InlineData("dapr.proto.runtime.v1.Dapr/QueryStateAlpha1", "state query: not implemented by the embedded sidecar")]
    [InlineData("dapr.proto.runtime.v1.Dapr/SubscribeTopicEventsAlpha1", "streaming subscriptions: not implemented by the embedded sidecar")]
    [InlineData("dapr.proto.runtime.v1.Dapr/EncryptAlpha1", "cryptography: not implemented by the embedded sidecar")]
    [InlineData("dapr.proto.runtime.v1.Dapr/Nonsense", "dapr.proto.runtime.v1.Dapr has no method Nonsense.")]
    [InlineData("grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "the embedded sidecar does not have this service")]
    [InlineData("orders.Orders/Place", "the embedded sidecar does not pass gRPC calls on to apps; invoke them over HTTP", "orders")]
    [InlineData("", "the embedded sidecar does not have this service")]
    public async Task Grpc_answers_UNIMPLEMENTED_before_it_reads(string method, string message, string? appId = null)
    {
        await using var run = await StartAsync();
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://127.0.0.1:{run.Sidecar.Instances[0].GrpcPort}/{method}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new StreamContent(new OpenStream()) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } },
        };
        if (appId is not null)
        {
            request.Headers.Add("dapr-app-id", appId);
        }

        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead).WaitAsync(TimeSpan.FromSeconds(60));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("12", Assert.Single(response.Headers.GetValues("grpc-status")));
        Assert.Equal(message, Assert.Single(response.Headers.GetValues("grpc-message")));
    }

    private static async Task<TestRun> StartAsync()
    {
        var run = new TestRun();
        await run.AppAsync("a");
        return await run.StartAsync();
    }

    /// <summary>What a caller sends who does not say when it is done.</summary>
    private sealed class OpenStream : MemoryStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return 0;
        }

        public override async Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken)
        {
            // HttpClient keeps back the headers of a request with content until something is flushed; so gRPC clients flush before the first message.
            await destination.FlushAsync(cancellationToken);
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }
    }
}
