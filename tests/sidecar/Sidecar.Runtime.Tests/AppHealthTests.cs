using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sidecar.Abstractions;
using Sidecar.Api.Tests;
using TestKit;

namespace Sidecar.Runtime.Tests;

/// <summary>Health probes of an app: what stops while it is unhealthy, and what begins again.</summary>
public sealed class AppHealthTests
{
    private static readonly AppHealthCheck Check = new("/health", IntervalSeconds: 5, TimeoutMilliseconds: 500, Threshold: 2);

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(Check.IntervalSeconds);

    private readonly ManualTimeProvider _clock = new();
    private readonly ConcurrentQueue<string> _delivered = [];
    private volatile bool _healthy;
    private volatile int _subscribeReads;
    private volatile int _probes;

    [Fact]
    public async Task Deliveries_run_while_the_probes_succeed()
    {
        await using var run = await StartAsync();
        using var http = run.Client();

        await ProbeAsync();
        Assert.Equal(0, _subscribeReads);

        _healthy = true;
        await ProbeAsync();
        await PublishAsync(http, "first");
        await DeliveredAsync(1);

        _healthy = false;
        await ProbeAsync();
        Assert.True(run.Sidecar.Apps[0].IsServing);
        await ProbeAsync();
        await TestRun.Eventually(() => !run.Sidecar.Apps[0].IsServing);
        await PublishAsync(http, "second");
        Assert.Equal("hello", await http.GetStringAsync("/v1.0/invoke/app/method/hello"));

        await ProbeAsync();
        Assert.Single(_delivered);
        _healthy = true;
        await ProbeAsync();
        await DeliveredAsync(2);
        Assert.Equal(2, _subscribeReads);
    }

    [Fact]
    public async Task A_single_success_counts_as_health_and_failures_must_be_in_a_row()
    {
        _healthy = true;
        await using var run = await StartAsync();
        await TestRun.Eventually(() => run.Sidecar.Apps[0].IsServing);

        for (var index = 0; index < 3; index++)
        {
            _healthy = false;
            await ProbeAsync();
            _healthy = true;
            await ProbeAsync();
        }

        Assert.True(run.Sidecar.Apps[0].IsServing);
        Assert.Equal(1, _subscribeReads);
    }

    [Fact]
    public async Task A_probe_without_an_answer_fails_after_its_timeout()
    {
        await using var run = await StartAsync(hangs: true);

        await TestRun.Eventually(() => _probes == 1);
        _clock.Advance(TimeSpan.FromMilliseconds(Check.TimeoutMilliseconds));

        await TestRun.Eventually(() => _clock.Started(Interval) == 1);
        Assert.False(run.Sidecar.Apps[0].IsServing);
    }

    private async Task<TestRun> StartAsync(bool hangs = false)
    {
        var run = new TestRun().Component("bus", "pubsub.in-memory");
        await run.AppAsync(
            "app",
            app =>
            {
                app.MapGet("/health", async (HttpContext http) =>
                {
                    Interlocked.Increment(ref _probes);
                    if (hangs)
                    {
                        await Task.Delay(Timeout.Infinite, http.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    }

                    return Results.StatusCode(_healthy && !http.Request.Headers.ContainsKey("dapr-api-token") ? 204 : 503);
                });
                app.MapGet("/dapr/subscribe", () =>
                {
                    Interlocked.Increment(ref _subscribeReads);
                    return new[] { new { pubsubname = "bus", topic = "orders", route = "/orders" } };
                });
                app.MapPost("/orders", () => _delivered.Enqueue("order"));
                app.MapGet("/hello", () => "hello");
            },
            health: Check);
        return await run.StartAsync(_clock);
    }

    /// <summary>Lets the next probe happen, and its outcome be acted on.</summary>
    private async Task ProbeAsync()
    {
        // Each probe whose outcome has been acted on is followed by one pause.
        await TestRun.Eventually(() => _probes > 0 && _clock.Started(Interval) == _probes);
        var probes = _probes;
        _clock.Advance(Interval);
        await TestRun.Eventually(() => _probes == probes + 1 && _clock.Started(Interval) == _probes);
    }

    private async Task DeliveredAsync(int count) => await TestRun.Eventually(() => _delivered.Count == count);

    private static async Task PublishAsync(HttpClient http, string text) =>
        Assert.Equal(HttpStatusCode.NoContent, (await http.PostAsync("/v1.0/publish/bus/orders", JsonContent.Create(text))).StatusCode);
}
