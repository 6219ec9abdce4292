using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sidecar.Api.Tests;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Runtime;
using TestKit;

namespace Sidecar.Runtime.Tests;

/// <summary>An app that accepts connections and says nothing: only those wait who want something of it, and no longer than they like.</summary>
public sealed class SilentAppTests
{
    /// <summary>How many messages of a subscription are at its app at once: <c>concurrency</c> of the component.</summary>
    private const int InFlight = 10;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ManualTimeProvider _clock = new();
    private readonly SemaphoreSlim _entered = new(0);
    private readonly SemaphoreSlim _ended = new(0);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_caller_that_gives_up_ends_its_call_and_leaves_nothing_behind(bool grpc)
    {
        await using var run = new TestRun();
        await run.AppAsync("silent", maxConcurrency: 1, map: app =>
        {
            app.MapPost("/hang", HangAsync);
            app.MapGet("/quick", () => "here");
        });
        await run.StartAsync();
        using var http = run.Client();
        using var channel = new GrpcChannel(new Uri($"http://127.0.0.1:{run.Sidecar.Instances[0].GrpcPort}"), new GrpcChannelOptions());

        // The app takes one call at a time: a call that were left behind would keep out the next.
        for (var round = 0; round < 20; round++)
        {
            using var caller = new CancellationTokenSource();
            Task call = grpc ? InvokeAsync(channel, caller.Token) : http.PostAsJsonAsync("/v1.0/invoke/silent/method/hang", 1, caller.Token);
            Assert.True(await _entered.WaitAsync(Patience));

            await caller.CancelAsync();

            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
            Assert.True(await _ended.WaitAsync(Patience), "the app's request goes on");
        }

        Assert.Equal("here", await http.GetStringAsync("/v1.0/invoke/silent/method/quick"));
    }

    [Fact]
    public async Task A_subscriber_that_never_answers_has_a_bounded_number_of_messages_and_holds_up_no_other_topic()
    {
        var others = new SemaphoreSlim(0);
        await using var run = new TestRun().Component("bus", "pubsub.in-memory");
        await run.AppAsync("app", app =>
        {
            app.MapGet("/dapr/subscribe", () => new[] { new { pubsubname = "bus", topic = "silent", route = "/hang" }, new { pubsubname = "bus", topic = "quick", route = "/quick" } });
            app.MapPost("/hang", HangAsync);
            app.MapPost("/quick", () => others.Release());
        });
        await run.StartAsync(_clock);
        await TestRun.Eventually(() => run.Sidecar.Apps[0].Subscriptions.Count == 2);
        using var http = run.Client();
        for (var message = 0; message < InFlight * 5; message++)
        {
            await http.PostAsJsonAsync("/v1.0/publish/bus/silent", message);
        }

        for (var message = 0; message < InFlight; message++)
        {
            Assert.True(await _entered.WaitAsync(Patience));
        }

        for (var message = 0; message < InFlight * 5; message++)
        {
            await http.PostAsJsonAsync("/v1.0/publish/bus/quick", message);
            Assert.True(await others.WaitAsync(Patience));
        }

        Assert.Equal(0, _entered.CurrentCount);
    }

    [Fact]
    public async Task An_app_that_says_nothing_at_the_start_keeps_neither_its_sidecar_nor_other_apps_waiting()
    {
        var delivered = new SemaphoreSlim(0);
        var silent = true;
        await using (var run = new TestRun().Component("bus", "pubsub.in-memory").Component("store", "state.in-memory", "actorStateStore=true"))
        {
            await run.AppAsync("silent", app =>
            {
                app.Use(next => http => Volatile.Read(ref silent) ? HangAsync(http) : next(http));
                app.MapGet("/dapr/subscribe", () => new[] { new { pubsubname = "bus", topic = "t", route = "/t" } });
                app.MapPost("/t", () => delivered.Release());
            });
            await run.AppAsync("other", app =>
            {
                app.MapGet("/dapr/subscribe", () => new[] { new { pubsubname = "bus", topic = "t", route = "/t" } });
                app.MapPost("/t", () => delivered.Release());
            });
            await run.StartAsync(_clock);
            using var http = run.Client();
            Assert.True(await _entered.WaitAsync(Patience));

            // Its own sidecar serves, and the other app gets its messages.
            Assert.Equal(HttpStatusCode.NoContent, (await http.PostAsJsonAsync("/v1.0/state/store", new[] { new { key = "k", value = 1 } })).StatusCode);
            await TestRun.Eventually(() => run.Sidecar.Apps[1].Subscriptions.Count == 1);
            await http.PostAsJsonAsync("/v1.0/publish/bus/t", 1);
            Assert.True(await delivered.WaitAsync(Patience));
            Assert.Empty(run.Sidecar.Apps[0].Subscriptions);

            // It is asked again, and told of in the log, until it speaks.
            await AdvanceUntilAsync(() => run.Log.Any(line => line.Contains("no answer to GET /dapr/", StringComparison.Ordinal)));
            Volatile.Write(ref silent, false);
            await AdvanceUntilAsync(() => run.Sidecar.Apps[0].Subscriptions.Count == 1);
            Assert.True(await delivered.WaitAsync(Patience));
        }
    }

    [Fact]
    public async Task The_sidecar_ends_although_its_app_has_never_said_anything()
    {
        var run = new TestRun().Component("bus", "pubsub.in-memory");
        await run.AppAsync("silent", app => app.Run(HangAsync));
        await run.StartAsync(_clock);
        Assert.True(await _entered.WaitAsync(Patience));

        await run.DisposeAsync().AsTask().WaitAsync(Patience);
    }

    private static async Task InvokeAsync(GrpcChannel channel, CancellationToken cancellationToken) => await channel.UnaryAsync(
        "/dapr.proto.runtime.v1.Dapr/InvokeService",
        new InvokeServiceRequest { Id = "silent", Message = new InvokeRequest { Method = "hang", HttpExtension = new HTTPExtension { Verb = HTTPExtension.Types.Verb.Post } } },
        InvokeResponse.Parser, cancellationToken: cancellationToken);

    private async Task HangAsync(HttpContext http)
    {
        _entered.Release();
        await Task.Delay(Timeout.InfiniteTimeSpan, http.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ended.Release();
    }

    private Task AdvanceUntilAsync(Func<bool> condition) => TestRun.Eventually(() =>
    {
        _clock.Advance(TimeSpan.FromSeconds(1));
        return condition();
    });
}
