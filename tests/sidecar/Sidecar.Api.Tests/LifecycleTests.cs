using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sidecar.Abstractions;

namespace Sidecar.Api.Tests;

public sealed class LifecycleTests
{
    private const string Orders = """[{"pubsubname":"bus","topic":"orders","route":"/orders"}]""";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task An_app_whose_answer_about_subscriptions_broke_off_is_asked_again()
    {
        var asked = 0;
        var received = new TaskCompletionSource();
        await using var run = new TestRun().Component("bus", "pubsub.in-memory");
        await run.AppAsync("app", app =>
        {
            app.MapGet("/dapr/subscribe", (HttpContext http) =>
            {
                if (Interlocked.Increment(ref asked) == 1)
                {
                    http.Abort();
                    return Results.Empty;
                }

                return Results.Text(Orders, "application/json");
            });
            app.MapPost("/orders", () => received.TrySetResult());
        });
        await run.StartAsync();
        using var http = run.Client();

        await http.PostAsJsonAsync("/v1.0/publish/bus/orders", new { n = 1 });

        await received.Task.WaitAsync(Patience);
        Assert.Equal(2, asked);
    }

    [Fact]
    public async Task Opening_a_components_data_takes_as_long_as_it_takes()
    {
        var opening = new TaskCompletionSource();
        var opened = new TaskCompletionSource();
        await using var run = new TestRun { Types = registry => registry.Add("state.slow", _ => new SlowComponent(opening, opened.Task)) };
        run.Component("store", "state.slow", tail: "  initTimeout: 1ms\n");
        await run.AppAsync("app");

        var start = run.StartAsync();
        await opening.Task.WaitAsync(Patience);
        // Far beyond initTimeout: the sidecar still waits.
        Assert.NotSame(start, await Task.WhenAny(start, Task.Delay(50)));
        opened.SetResult();
        await start.WaitAsync(Patience);
    }

    [Fact]
    public async Task A_fault_of_a_component_ends_the_sidecar()
    {
        SidecarFault? fault = null;
        await using var run = new TestRun
        {
            Types = registry => registry.Add("state.faulty", context =>
            {
                fault = (SidecarFault?)context.Services.GetService(typeof(SidecarFault));
                return new SlowComponent(new TaskCompletionSource(), Task.CompletedTask);
            }),
        };
        run.Component("store", "state.faulty");
        await run.AppAsync("app");
        await run.StartAsync();
        var shutdown = run.Sidecar.WaitForShutdownAsync(TestContext.Current.CancellationToken);
        Assert.False(shutdown.IsCompleted);

        fault!.Report(new IOException("no space left"));

        var exception = await Assert.ThrowsAsync<ComponentException>(() => shutdown.WaitAsync(Patience));
        Assert.Equal("the sidecar ends: no space left", exception.Message);
    }

    /// <summary>A component that is opened when the test says so.</summary>
    private sealed class SlowComponent(TaskCompletionSource opening, Task opened) : IOpenedComponent
    {
        public Task OpenAsync(CancellationToken cancellationToken)
        {
            opening.TrySetResult();
            return opened.WaitAsync(cancellationToken);
        }

        public Task InitAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_handler_that_runs_when_the_sidecar_stops_may_still_save_and_is_waited_for()
    {
        var entered = new TaskCompletionSource();
        var proceed = new TaskCompletionSource();
        var saved = new TaskCompletionSource<HttpStatusCode>();
        await using var run = new TestRun { ShutdownTimeout = Patience }.Component("bus", "pubsub.in-memory").Component("store", "state.in-memory");
        await run.AppAsync("app", app =>
        {
            app.MapGet("/dapr/subscribe", () => Results.Text(Orders, "application/json"));
            app.MapPost("/orders", async () =>
            {
                entered.TrySetResult();
                await proceed.Task;
                using var client = run.Client();
                var response = await client.PostAsJsonAsync("/v1.0/state/store", new[] { new { key = "k", value = 1 } });
                saved.TrySetResult(response.StatusCode);
            });
        });
        await run.StartAsync();
        using var http = run.Client();
        await http.PostAsJsonAsync("/v1.0/publish/bus/orders", new { n = 1 });
        await entered.Task.WaitAsync(Patience);

        var stopping = run.Sidecar.DisposeAsync().AsTask();
        Assert.False(stopping.IsCompleted);
        proceed.SetResult();

        Assert.Equal(HttpStatusCode.NoContent, await saved.Task.WaitAsync(Patience));
        await stopping.WaitAsync(Patience);
    }

    [Fact]
    public async Task The_header_form_keeps_the_escaping_of_the_path()
    {
        await using var run = new TestRun();
        await run.AppAsync("caller");
        await run.AppAsync("callee", app => app.MapFallback((HttpContext http) => $"{http.Request.Path.Value}|{http.Request.QueryString.Value}"));
        await run.StartAsync();
        using var http = run.Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/a%3Fb/c?d=e") { Headers = { { "dapr-app-id", "callee" } } };

        using var response = await http.SendAsync(request);

        Assert.Equal("/a?b/c|?d=e", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_host_header_with_another_port_is_refused()
    {
        await using var run = new TestRun();
        await run.AppAsync("app");
        await run.StartAsync();
        using var http = run.Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1.0/healthz") { Headers = { Host = "localhost:1" } };

        Assert.Equal(HttpStatusCode.Forbidden, (await http.SendAsync(request)).StatusCode);
    }

    [Fact]
    public async Task An_event_stream_says_that_it_is_connected_before_the_first_event()
    {
        var proceed = new TaskCompletionSource();
        await using var run = new TestRun();
        await run.AppAsync("caller");
        await run.AppAsync("callee", app => app.MapGet("/events", async (HttpContext http) =>
        {
            http.Response.ContentType = "text/event-stream";
            await http.Response.Body.FlushAsync();
            await proceed.Task;
            await http.Response.WriteAsync("data: 1\n\n");
        }));
        await run.StartAsync();
        using var http = run.Client();

        using var response = await http.GetAsync("/v1.0/invoke/callee/method/events", HttpCompletionOption.ResponseHeadersRead).WaitAsync(Patience);
        proceed.SetResult();

        Assert.Equal("data: 1\n\n", await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("info", true)]
    [InlineData("fatal", false)]
    public async Task The_log_has_the_level_of_the_run(string level, bool isThere)
    {
        await using var run = new TestRun { LogLevel = level };
        await run.AppAsync("app", _ => { });
        await run.StartAsync();

        Assert.Equal(isThere, run.Log.Any(line => line.Contains("accepts connections", StringComparison.Ordinal)));
    }
}
