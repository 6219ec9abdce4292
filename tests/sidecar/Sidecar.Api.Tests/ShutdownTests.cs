using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Sidecar.Abstractions;

namespace Sidecar.Api.Tests;

/// <summary>POST /v1.0/shutdown: one app leaves the sidecar that serves many.</summary>
public sealed class ShutdownTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task What_is_being_delivered_finishes_and_then_the_app_is_unknown_and_its_ports_are_closed()
    {
        var (begun, mayEnd, ended) = (new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource());
        await using var run = new TestRun { ShutdownTimeout = Patience, LastAnswers = Patience / 2 }.Component("bus", "pubsub.in-memory");
        await run.AppAsync("leaving", app =>
        {
            app.MapGet("/dapr/subscribe", () => new[] { new { pubsubname = "bus", topic = "orders", route = "/orders" } });
            app.MapPost("/orders", async () =>
            {
                begun.SetResult();
                await mayEnd.Task;
                ended.SetResult();
            });
        });
        await run.AppAsync("staying");
        await run.StartAsync();
        Directory.CreateDirectory(Path.Combine(run.Folder, "data", "run"));
        using var leaving = run.Client();
        using var staying = run.Client(1);
        var process = run.Sidecar.WaitForShutdownAsync(TestContext.Current.CancellationToken);
        await leaving.PostAsJsonAsync("/v1.0/publish/bus/orders", 1);
        await begun.Task.WaitAsync(Patience);

        Assert.Equal(HttpStatusCode.NoContent, (await leaving.PostAsync("/v1.0/shutdown", null)).StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, (await leaving.PostAsync("/v1.0/shutdown", null)).StatusCode);
        // The app may still save what it does.
        Assert.Equal(HttpStatusCode.OK, (await leaving.GetAsync("/v1.0/metadata")).StatusCode);
        mayEnd.SetResult();
        await ended.Task.WaitAsync(Patience);

        await TestRun.Eventually(() => File.Exists(Path.Combine(run.Folder, "data", "run", "stop-leaving#0")));
        await Assert.ThrowsAsync<HttpRequestException>(() => leaving.GetAsync("/v1.0/healthz"));
        Assert.Contains("find the app", await (await staying.GetAsync("/v1.0/invoke/leaving/method/orders")).Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.False(process.IsCompleted);

        Assert.Equal(HttpStatusCode.NoContent, (await staying.PostAsync("/v1.0/shutdown", null)).StatusCode);
        await process.WaitAsync(Patience);
        Assert.True(File.Exists(Path.Combine(run.Folder, "data", "run", "stop-sidecar")));
    }

    [Fact]
    public async Task With_force_nothing_is_waited_for()
    {
        var begun = new TaskCompletionSource();
        await using var run = new TestRun { ShutdownTimeout = Patience * 10, LastAnswers = Patience / 2 }.Component("bus", "pubsub.in-memory");
        await run.AppAsync("app", app =>
        {
            app.MapGet("/dapr/subscribe", () => new[] { new { pubsubname = "bus", topic = "orders", route = "/orders" } });
            app.MapPost("/orders", (CancellationToken aborted) =>
            {
                begun.TrySetResult();
                return Task.Delay(Timeout.Infinite, aborted);
            });
        });
        await run.StartAsync();
        using var http = run.Client();
        await http.PostAsJsonAsync("/v1.0/publish/bus/orders", 1);
        await begun.Task.WaitAsync(Patience);

        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1.0/shutdown") { Headers = { { "dapr-force-shutdown", "true" } } };
        await http.SendAsync(request);

        await run.Sidecar.WaitForShutdownAsync(TestContext.Current.CancellationToken).WaitAsync(Patience);
    }

    [Fact]
    public async Task A_port_that_is_taken_stops_the_start_with_a_sentence()
    {
        using var taken = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        var run = new SidecarRun
        {
            DataDirectory = Path.GetTempPath(), BaseDirectory = Path.GetTempPath(),
            Instances = [new() { AppId = "app", HttpPort = port, GrpcPort = 0, ResourcesPaths = [] }],
        };

        var exception = await Assert.ThrowsAsync<ComponentException>(() => SidecarServer.StartAsync(run));

        Assert.StartsWith($"port {port} of 127.0.0.1 cannot be opened", exception.Message, StringComparison.Ordinal);
    }
}
