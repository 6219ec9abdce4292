using System.Net;
using System.Net.Http.Headers;
using Sidecar.Api.Tests;

namespace Sidecar.Runtime.Tests;

/// <summary>What this engine does not have answers in Dapr's form, so that an SDK reports it as what it is.</summary>
public sealed class UnimplementedTests
{
    [Theory]
    [InlineData("GET", "/v1.0/actors/t/1/state/k", "actors")]
    [InlineData("POST", "/v1.0-alpha1/jobs/j", "jobs")]
    [InlineData("POST", "/v1.0-alpha2/conversation/c/converse", "conversation")]
    [InlineData("PUT", "/v1.0-alpha1/crypto/c/encrypt", "crypto")]
    [InlineData("POST", "/v1.0-alpha1/subtlecrypto/c/sign", "subtlecrypto")]
    [InlineData("POST", "/v1.0/shutdown", "shutdown")]
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

    [Fact]
    public async Task Grpc_answers_UNIMPLEMENTED()
    {
        await using var run = await StartAsync();
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://127.0.0.1:{run.Sidecar.Instances[0].GrpcPort}/dapr.proto.runtime.v1.Dapr/GetState")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent([0, 0, 0, 0, 0]) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } },
        };

        using var response = await http.SendAsync(request);
        await response.Content.ReadAsByteArrayAsync();

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("12", Assert.Single(response.Headers.GetValues("grpc-status")));
    }

    private static async Task<TestRun> StartAsync()
    {
        var run = new TestRun();
        await run.AppAsync("a");
        return await run.StartAsync();
    }
}
