using System.Net;
using LocalServers;

namespace Dapr.Client.Tests;

/// <summary>What happens when the sidecar is away, slow, or not asked any more; and service invocation.</summary>
public sealed class ConnectionTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Calls_wait_for_a_sidecar_that_restarts()
    {
        var port = FreePort.Next();
        using var dapr = new DaprClientBuilder().UseHttpEndpoint($"http://127.0.0.1:{port}").Build();
        Assert.False(await dapr.CheckHealthAsync(Cancellation));
        var publishing = dapr.PublishEventAsync("bus", "t", new { X = 1 }, Cancellation);

        await using var sidecar = await RecordingSidecar.StartAsync(port);
        await publishing;

        Assert.Equal("""{"x":1}""", sidecar.Request.Body);
    }

    [Fact]
    public async Task A_call_whose_connection_breaks_is_repeated()
    {
        await using var sidecar = await RecordingSidecar.StartAsync();
        sidecar.Answer = http =>
        {
            http.Response.StatusCode = 204;
            if (sidecar.Requests.Count == 1)
            {
                http.Abort();
            }

            return Task.CompletedTask;
        };
        using var dapr = sidecar.Client();

        await dapr.SaveStateAsync("store", "k", 5, cancellationToken: Cancellation);

        Assert.Equal(["""[{"key":"k","value":5}]""", """[{"key":"k","value":5}]"""], sidecar.Requests.Select(request => request.Body));
    }

    [Fact]
    public async Task The_time_limit_of_a_call_is_a_failure_of_the_sidecar()
    {
        await using var sidecar = await RecordingSidecar.StartAsync();
        sidecar.Answer = http => Task.Delay(Timeout.InfiniteTimeSpan, http.RequestAborted);
        using var dapr = sidecar.Client(timeout: TimeSpan.FromMilliseconds(100));

        var exception = await Assert.ThrowsAsync<DaprException>(() => dapr.GetStateAsync<int>("store", "k", cancellationToken: Cancellation));

        Assert.Contains("did not answer", exception.Message, StringComparison.Ordinal);
        Assert.False(await dapr.CheckHealthAsync(Cancellation));
    }

    [Fact]
    public async Task The_time_limit_ends_the_repeating_too()
    {
        using var nobody = RecordingSidecar.Refusing();
        using var dapr = new DaprClientBuilder().UseHttpEndpoint($"http://{nobody.LocalEndPoint}")
            .UseTimeout(TimeSpan.FromMilliseconds(100)).Build();

        await Assert.ThrowsAsync<DaprException>(() => dapr.PublishEventAsync("bus", "t", 1, Cancellation));
    }

    [Fact]
    public async Task Cancelling_is_cancelling()
    {
        await using var sidecar = await RecordingSidecar.StartAsync();
        using var stop = new CancellationTokenSource();
        sidecar.Answer = async http =>
        {
            await stop.CancelAsync();
            await Task.Delay(Timeout.InfiniteTimeSpan, http.RequestAborted);
        };
        using var dapr = sidecar.Client();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dapr.PublishEventAsync("bus", "t", 1, stop.Token));
    }

    [Theory]
    [InlineData("/orders/7?x=1&y=%2F", "/v1.0/invoke/Shop/method/orders/7?x=1&y=%2F")]
    [InlineData("orders", "/v1.0/invoke/Shop/method/orders")]
    [InlineData("http://other/a%2Fb", "/v1.0/invoke/other/method/a%2Fb")]
    public async Task Invocation_goes_through_the_sidecar(string address, string target)
    {
        await using var sidecar = await RecordingSidecar.StartAsync();
        using var dapr = sidecar.Client(token: "t0ken");
        using var http = dapr.CreateInvokableHttpClient("Shop");
        using var request = new HttpRequestMessage(HttpMethod.Put, address) { Content = new StringContent("hi") };

        using var response = await http.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.Equal(("PUT", target, "hi", "t0ken"), (sidecar.Request.Method, sidecar.Request.Target, sidecar.Request.Body, sidecar.Request.Headers["dapr-api-token"]));
        Assert.DoesNotContain("v1.0", request.RequestUri!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Invocation_passes_failures_of_the_app_on()
    {
        await using var sidecar = await RecordingSidecar.StartAsync();
        sidecar.Answers(418, "teapot");
        using var http = DaprClient.CreateInvokeHttpClient("shop", sidecar.Address);

        using var response = await http.GetAsync("/x", Cancellation);

        Assert.Equal((418, "teapot"), ((int)response.StatusCode, await response.Content.ReadAsStringAsync(Cancellation)));
    }

    [Fact]
    public void Endpoints_are_http_addresses()
    {
        using var handler = new InvocationHandler();

        Assert.Throws<ArgumentException>(() => handler.DaprEndpoint = "ftp://x");
        Assert.Throws<ArgumentException>(() => handler.DaprEndpoint = "nonsense");
    }
}
