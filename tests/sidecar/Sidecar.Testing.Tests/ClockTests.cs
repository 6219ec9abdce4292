using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Sidecar.Testing.Tests;

public sealed class ClockTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task State_expires_by_the_clock()
    {
        await using var dapr = await SidecarHost.StartAsync(cancellationToken: Cancel);
        using var client = dapr.CreateClient();
        using var saved = await client.PostAsJsonAsync(
            "v1.0/state/statestore", new[] { new { key = "k", value = 1, metadata = new { ttlInSeconds = "60" } } }, Cancel);

        dapr.Clock.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(1, await dapr.Self.GetStateAsync<int>("statestore", "k", cancellationToken: Cancel));
        dapr.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(0, await dapr.Self.GetStateAsync<int>("statestore", "k", cancellationToken: Cancel));
    }

    [Fact]
    public async Task Locks_expire_by_the_clock()
    {
        await using var dapr = await SidecarHost.StartAsync(cancellationToken: Cancel);
        using var client = dapr.CreateClient();
        Assert.Equal("""{"success":true}""", await LockAsync("a"));
        Assert.Equal("""{"success":false}""", await LockAsync("b"));
        dapr.Clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("""{"success":true}""", await LockAsync("b"));

        async Task<string> LockAsync(string owner)
        {
            using var response = await client.PostAsJsonAsync("v1.0-alpha1/lock/lock", new { resourceId = "r", lockOwner = owner, expiryInSeconds = 10 }, Cancel);
            return await response.Content.ReadAsStringAsync(Cancel);
        }
    }

    [Fact]
    public async Task Cron_fires_as_often_as_the_time_that_passes_says()
    {
        await using var dapr = await SidecarHost.StartAsync(options => options.AddComponent("tick", "bindings.cron", ("schedule", "@every 10m")), Cancel);
        var ticks = 0;
        await dapr.StartAppAsync("clerk", app => app.MapMethods("/tick", ["POST", "OPTIONS"], (HttpRequest request) =>
        {
            if (request.Method == "POST")
            {
                Interlocked.Increment(ref ticks);
            }
        }), Cancel);

        await dapr.AdvanceAsync(TimeSpan.FromHours(1), Cancel);

        Assert.Equal(6, ticks);
    }

    [Fact]
    public async Task Every_retry_gets_its_turn()
    {
        await using var dapr = await SidecarHost.StartAsync(options => options.AddYaml("""
            apiVersion: dapr.io/v1alpha1
            kind: Resiliency
            metadata: {name: retries}
            spec:
              policies: {retries: {steady: {policy: constant, duration: 5s, maxRetries: 10}}}
              targets: {apps: {shaky: {retry: steady}}}
            """), Cancel);
        var calls = 0;
        await dapr.StartAppAsync("shaky", app => app.MapGet("/", () => Results.StatusCode(Interlocked.Increment(ref calls) < 4 ? 503 : 200)), Cancel);
        using var client = dapr.CreateInvokeClient("shaky");

        var answer = client.GetAsync("", Cancel);
        var passed = await dapr.AdvanceUntilAsync(() => answer.IsCompleted, cancellationToken: Cancel);

        using var response = await answer;
        Assert.Equal((HttpStatusCode.OK, 4, TimeSpan.FromSeconds(15)), (response.StatusCode, calls, passed));
    }

    [Fact]
    public async Task The_clock_waits_for_a_request_that_is_slow_to_arrive()
    {
        await using var dapr = await SidecarHost.StartAsync(cancellationToken: Cancel);
        using var client = dapr.CreateClient();
        using var late = dapr.Clock.CreateTimer(static _ => { }, null, TimeSpan.FromHours(1), TimeSpan.FromHours(1));

        var answer = client.PostAsync("v1.0/publish/pubsub/orders", new SlowContent(), Cancel);
        var passed = await dapr.AdvanceUntilAsync(() => answer.IsCompleted, cancellationToken: Cancel);

        using var response = await answer;
        Assert.Equal((HttpStatusCode.NoContent, TimeSpan.Zero), (response.StatusCode, passed));
    }

    [Fact]
    public async Task The_clock_waits_for_a_tick_that_is_slow_to_end()
    {
        using var hold = new Hold();
        await using var dapr = await SidecarHost.StartAsync(options =>
        {
            options.AddComponent("tick", "bindings.cron", ("schedule", "@every 10m"));
            // The app has answered, and the next tick has no timer yet.
            options.WriteLine = line =>
            {
                if (line.Contains("was not handled", StringComparison.Ordinal))
                {
                    hold.Wait();
                }
            };
        }, Cancel);
        using var end = dapr.Clock.CreateTimer(_ => hold.End(), null, TimeSpan.FromMinutes(11), Timeout.InfiniteTimeSpan);
        var start = dapr.Clock.GetUtcNow();
        var ticks = new ConcurrentQueue<TimeSpan>();
        await dapr.StartAppAsync("clerk", app =>
        {
            app.MapMethods("/tick", ["OPTIONS"], () => Results.Ok());
            app.MapPost("/tick", () =>
            {
                ticks.Enqueue(dapr.Clock.GetUtcNow() - start);
                return Results.StatusCode(500);
            });
        }, Cancel);

        await dapr.AdvanceAsync(TimeSpan.FromMinutes(30), Cancel);

        Assert.False(hold.IsCutShort);
        Assert.Equal([TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(20), TimeSpan.FromMinutes(30)], ticks);
    }

    [Fact]
    public async Task In_real_time_nothing_need_be_moved()
    {
        await using var dapr = await SidecarHost.StartAsync(options =>
        {
            options.RealTime = true;
            options.AddComponent("pubsub", "pubsub.in-memory", ("redeliverInterval", "20ms"));
        }, Cancel);
        var inbox = new Inbox();
        await dapr.StartAppAsync("inbox", inbox.Map, Cancel);
        dapr.Faults.Deliveries("orders").Drop();

        await dapr.Self.PublishAsync("pubsub", "orders", new { number = 1 }, cancellationToken: Cancel);
        await dapr.WaitForDeliveredAsync("orders", cancellationToken: Cancel);

        Assert.Equal([1], inbox.Numbers);
        Assert.Throws<InvalidOperationException>(() => dapr.Clock);
    }

    [Fact]
    public void Timers_fire_in_order_and_see_their_own_time()
    {
        var clock = new VirtualClock();
        var start = clock.GetUtcNow();
        var seen = new List<double>();
        using var late = clock.CreateTimer(_ => Note(), null, TimeSpan.FromSeconds(3), Timeout.InfiniteTimeSpan);
        using var often = clock.CreateTimer(_ => Note(), null, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(2));

        Assert.Equal(start + TimeSpan.FromSeconds(2), clock.NextTimer);
        Assert.Equal(TimeSpan.FromSeconds(2), clock.AdvanceToNextTimer());
        clock.Advance(TimeSpan.FromSeconds(3));

        Assert.Equal([2, 3, 4], seen);
        Assert.Equal(start + TimeSpan.FromSeconds(5), clock.GetUtcNow());
        often.Dispose();
        Assert.Null(clock.AdvanceToNextTimer());

        void Note() => seen.Add((clock.GetUtcNow() - start).TotalSeconds);
    }

    /// <summary>A body that takes a while, and the head with it.</summary>
    private sealed class SlowContent : HttpContent
    {
        private static readonly TimeSpan While = TimeSpan.FromMilliseconds(500);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await Task.Delay(While, Cancel);
            await stream.WriteAsync("{}"u8.ToArray(), Cancel);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 2;
            return true;
        }
    }
}
