using System.Net;
using System.Net.Sockets;
using Dapr;
using Dapr.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using TestKit;

namespace ServiceDefaults.Tests;

public sealed class LifecycleTests
{
    private static async Task<HttpStatusCode> StatusAsync(TestService service, string path)
    {
        using var response = await service.SendAsync(HttpMethod.Get, path);
        return response.StatusCode;
    }

    [Theory]
    [InlineData("/healthz")]
    [InlineData("/healthz/live")]
    [InlineData("/healthz/ready")]
    [InlineData("/healthz/startup")]
    [InlineData("/health")]
    [InlineData("/ready")]
    public async Task A_started_service_is_healthy(string path)
    {
        await using var service = await TestService.StartAsync(_ => { });

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(service, path));
    }

    [Fact]
    public async Task Sidecar_that_answers_nothing_does_not_hold_a_caller_for_ever()
    {
        using var hanging = new TcpListener(IPAddress.Loopback, 0);
        hanging.Start();
        await using var service = await TestService.StartAsync(
            _ => { }, settings: [("DAPR_HTTP_ENDPOINT", $"http://{hanging.LocalEndpoint}"), ("Lifecycle:SidecarTimeout", "00:00:01")]);
        var dapr = service.App.Services.GetRequiredService<DaprClient>();

        await Assert.ThrowsAsync<DaprException>(() => dapr.GetStateAsync<int>("store", "key").WaitAsync(TimeSpan.FromSeconds(60)));
    }

    [Fact]
    public async Task Readiness_ends_before_intake_does()
    {
        var time = new ManualTimeProvider();
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/work", () => "done"),
            builder => builder.Services.AddSingleton<TimeProvider>(time),
            settings: ("Lifecycle:DrainDelay", "00:00:10"));
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));

        var stopping = service.App.StopAsync(limit.Token);
        while (await StatusAsync(service, "/healthz/ready") != HttpStatusCode.ServiceUnavailable)
        {
            limit.Token.ThrowIfCancellationRequested();
        }

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(service, "/work"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(service, "/healthz/live"));
        Assert.False(stopping.IsCompleted);
        while (!stopping.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(10));
            await Task.WhenAny(stopping, Task.Delay(10, limit.Token));
        }

        await stopping;
        await Assert.ThrowsAsync<HttpRequestException>(() => StatusAsync(service, "/work"));
    }
}
