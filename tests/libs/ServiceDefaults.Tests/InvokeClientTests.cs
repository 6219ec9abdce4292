using System.Net;
using System.Text;
using Dapr.Client.Tests;
using Microsoft.Extensions.DependencyInjection;

namespace ServiceDefaults.Tests;

public sealed class InvokeClientTests
{
    private sealed class Shop(HttpClient http)
    {
        public Task<HttpResponseMessage> OrderAsync(CancellationToken cancellationToken) =>
            http.PostAsync(new Uri("/orders?x=1", UriKind.Relative), new StringContent("two"), cancellationToken);
    }

    private sealed class Inner(Func<int, HttpResponseMessage> answer) : HttpMessageHandler
    {
        public List<string> Bodies { get; } = [];

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Bodies.Add(await request.Content!.ReadAsStringAsync(cancellationToken));
            return answer(Bodies.Count);
        }
    }

    private sealed class BrokenStream : MemoryStream
    {
        public override int Read(byte[] buffer, int offset, int count) => throw new IOException("reset");

        public override int Read(Span<byte> buffer) => throw new IOException("reset");

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => throw new IOException("reset");

        public override Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken) => throw new IOException("reset");
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static async Task<HttpResponseMessage> PostAsync(Inner inner, TimeProvider? time = null)
    {
        using var http = new HttpMessageInvoker(new SidecarRetryHandler(time ?? TimeProvider.System) { InnerHandler = inner });
        using var content = new StreamContent(new MemoryStream("body"u8.ToArray()));
        using var request = new HttpRequestMessage(HttpMethod.Post, "http://shop/") { Content = content };
        return await http.SendAsync(request, Cancellation);
    }

    /// <summary>Every look at it is half a minute later.</summary>
    private sealed class LeapingClock : TimeProvider
    {
        private long _looks;

        public override long GetTimestamp() => Interlocked.Increment(ref _looks) * (long)(SidecarRetryHandler.RetryTime.TotalSeconds * TimestampFrequency);
    }

    private static HttpRequestException Refused() => new(HttpRequestError.ConnectionError);

    [Fact]
    public async Task Refused_connections_are_repeated_with_the_body()
    {
        using var inner = new Inner(count => count < 3 ? throw Refused() : new HttpResponseMessage(HttpStatusCode.OK));

        using var response = await PostAsync(inner);

        Assert.Equal(["body", "body", "body"], inner.Bodies);
    }

    [Fact]
    public async Task What_the_sidecar_could_not_deliver_is_repeated()
    {
        using var inner = new Inner(count => count < 3
            ? new HttpResponseMessage(HttpStatusCode.InternalServerError)
            {
                Content = new StringContent("""{"errorCode":"ERR_DIRECT_INVOKE","message":"away"}""", Encoding.UTF8, "application/json"),
            }
            : new HttpResponseMessage(HttpStatusCode.OK));

        using var response = await PostAsync(inner);

        Assert.Equal((3, HttpStatusCode.OK), (inner.Bodies.Count, response.StatusCode));
    }

    [Fact]
    public async Task The_repeating_ends()
    {
        using var inner = new Inner(_ => throw Refused());

        await Assert.ThrowsAsync<HttpRequestException>(() => PostAsync(inner, new LeapingClock()));
        Assert.Single(inner.Bodies);
    }

    [Fact]
    public async Task Calls_that_break_are_repeated()
    {
        using var inner = new Inner(count => count switch
        {
            1 => throw new HttpRequestException(HttpRequestError.ResponseEnded),
            2 => throw new HttpRequestException("reset", new IOException()),
            3 => new HttpResponseMessage(HttpStatusCode.OK) { Content = new StreamContent(new BrokenStream()) },
            _ => new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("whole") },
        });

        using var response = await PostAsync(inner);

        Assert.Equal((4, "whole"), (inner.Bodies.Count, await response.Content.ReadAsStringAsync(Cancellation)));
    }

    [Fact]
    public async Task Other_failures_are_not_repeated()
    {
        using var untrusted = new Inner(_ => throw new HttpRequestException(HttpRequestError.SecureConnectionError));
        using var failing = new Inner(_ => new HttpResponseMessage(HttpStatusCode.ServiceUnavailable));

        await Assert.ThrowsAsync<HttpRequestException>(() => PostAsync(untrusted));
        using var response = await PostAsync(failing);

        Assert.Equal((1, 1, 503), (untrusted.Bodies.Count, failing.Bodies.Count, (int)response.StatusCode));
    }

    [Fact]
    public async Task Typed_clients_call_by_service_invocation()
    {
        await using var sidecar = await RecordingSidecar.StartAsync();
        await using var service = await TestService.StartAsync(
            _ => { }, builder => builder.Services.AddDaprInvokeClient<Shop>("the-shop"),
            settings: [("DAPR_HTTP_ENDPOINT", sidecar.Address), ("DAPR_API_TOKEN", "own-token")]);

        using var response = await service.App.Services.GetRequiredService<Shop>().OrderAsync(Cancellation);

        Assert.Equal(("/v1.0/invoke/the-shop/method/orders?x=1", "two"), (sidecar.Request.Target, sidecar.Request.Body));
        Assert.Equal("own-token", sidecar.Request.Headers["dapr-api-token"]);
    }
}
