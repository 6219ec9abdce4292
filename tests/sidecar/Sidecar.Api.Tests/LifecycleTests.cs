using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

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
    public async Task A_handler_that_runs_when_the_sidecar_stops_may_still_save_and_is_waited_for()
    {
        var entered = new TaskCompletionSource();
        var proceed = new TaskCompletionSource();
        var saved = new TaskCompletionSource<HttpStatusCode>();
        await using var run = new TestRun().Component("bus", "pubsub.in-memory").Component("store", "state.in-memory");
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
}
