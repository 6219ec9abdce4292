using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sidecar.Abstractions;
using Sidecar.Api.Tests;
using TestKit;

namespace Sidecar.Runtime.Tests;

/// <summary>An app that takes a call and never answers holds up nothing for ever.</summary>
public sealed class TimeLimitTests
{
    private const string Subscription = """[{"pubsubname":"bus","topic":"t","route":"/t"}]""";

    private readonly ManualTimeProvider _clock = new();
    private int _calls;

    [Theory]
    [InlineData("", 60)]
    [InlineData("processingTimeout=5s", 5)]
    public async Task A_message_whose_handler_hangs_has_failed_after_the_processing_timeout(string metadata, int seconds)
    {
        var delivered = new ConcurrentQueue<DateTimeOffset>();
        await using var run = new TestRun().Component("bus", "pubsub.in-memory", metadata);
        await run.AppAsync("a", app =>
        {
            app.MapGet("/dapr/subscribe", () => Results.Text(Subscription, "application/json"));
            app.MapPost("/t", http =>
            {
                delivered.Enqueue(_clock.GetUtcNow());
                return HangOnceAsync(http);
            });
        });
        await run.StartAsync(_clock);
        await TestRun.Eventually(() => run.Sidecar.Apps[0].Subscriptions.Count > 0);
        using var http = run.Client();
        await http.PostAsJsonAsync("/v1.0/publish/bus/t", 1);
        await TestRun.Eventually(() => Volatile.Read(ref _calls) == 1);

        await AdvanceUntilAsync(() => Volatile.Read(ref _calls) >= 2);

        var times = delivered.ToArray();
        Assert.True(times[1] - times[0] >= TimeSpan.FromSeconds(seconds), "given up too early");
        Assert.Contains(run.Log, line => line.Contains("of t was not handled: no answer within", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_message_that_fails_again_and_again_is_seen_to_do_so()
    {
        await using var run = new TestRun().Component("bus", "pubsub.in-memory");
        await run.AppAsync("a", app =>
        {
            app.MapGet("/dapr/subscribe", () => Results.Text(Subscription, "application/json"));
            app.MapPost("/t", () => Results.StatusCode(500));
        });
        await run.StartAsync(_clock);
        await TestRun.Eventually(() => run.Sidecar.Apps[0].Subscriptions.Count > 0);
        using var http = run.Client();
        await http.PostAsJsonAsync("/v1.0/publish/bus/t", 1);

        // Not just the third: with a clock that runs so fast an answer may come too late.
        await AdvanceUntilAsync(() => run.Log.Any(
            line => Regex.IsMatch(line, @"of t was not handled: the app answered 500 \(delivery ([3-9]|[1-9][0-9]+)\)$")));
    }

    [Fact]
    public async Task An_app_that_hangs_when_asked_for_its_subscriptions_is_asked_again()
    {
        await using var run = new TestRun().Component("bus", "pubsub.in-memory");
        await run.AppAsync("a", app => app.MapGet("/dapr/subscribe", async http =>
        {
            await HangOnceAsync(http);
            await Results.Text(Subscription, "application/json").ExecuteAsync(http);
        }));
        await run.StartAsync(_clock);
        await TestRun.Eventually(() => Volatile.Read(ref _calls) == 1);

        await AdvanceUntilAsync(() => run.Sidecar.Apps[0].Subscriptions.Count > 0);

        Assert.Contains(run.Log, line => line.Contains("no answer to GET /dapr/subscribe within 00:00:10", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_app_that_hangs_when_asked_whether_it_wants_a_binding_is_asked_again()
    {
        await using var run = new TestRun().Component("sweep", "bindings.cron", "schedule=@every 5s");
        await run.AppAsync("a", app => app.MapMethods("/sweep", ["OPTIONS"], http => HangOnceAsync(http)));
        await run.StartAsync(_clock);

        await TestRun.Eventually(() => run.Log.Any(line => line.EndsWith("input binding sweep started", StringComparison.Ordinal)));

        Assert.Contains(run.Log, line => line.Contains("no answer to OPTIONS /sweep within 00:00:03", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_tick_whose_handler_hangs_is_given_up_and_the_next_one_comes()
    {
        await using var run = new TestRun().Component("sweep", "bindings.cron", "schedule=@every 5s;direction=input");
        await run.AppAsync("a", app => app.MapPost("/sweep", HangOnceAsync));
        await run.StartAsync(_clock);

        await AdvanceUntilAsync(() => Volatile.Read(ref _calls) >= 2);

        Assert.Contains(run.Log, line => line.Contains("an event of input binding sweep was not handled: no answer within 00:01:00", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_start_that_fails_midway_leaves_no_binding_running()
    {
        var running = 0;
        var starts = 0;
        await using var run = new TestRun
        {
            Types = types => types.Add("bindings.counting", _ => new CountingBinding(
                () =>
                {
                    Interlocked.Increment(ref running);
                    Interlocked.Increment(ref starts);
                },
                () => Interlocked.Decrement(ref running))),
        };
        run.Component("first", "bindings.counting", "direction=input").Component("second", "bindings.counting");
        await run.AppAsync("a", app => app.MapMethods("/second", ["OPTIONS"], http =>
        {
            if (Interlocked.Increment(ref _calls) == 1)
            {
                http.Abort();
            }

            return Task.CompletedTask;
        }));
        await run.StartAsync();

        await TestRun.Eventually(() => Volatile.Read(ref starts) == 3);

        Assert.Equal(2, Volatile.Read(ref running));
    }

    private Task HangOnceAsync(HttpContext http) =>
        Interlocked.Increment(ref _calls) == 1 ? Task.Delay(Timeout.InfiniteTimeSpan, http.RequestAborted) : Task.CompletedTask;

    private Task AdvanceUntilAsync(Func<bool> condition) => TestRun.Eventually(() =>
    {
        _clock.Advance(TimeSpan.FromSeconds(1));
        return condition();
    });

    private sealed class CountingBinding(Action start, Action stop) : IInputBinding
    {
        public Task InitAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task<IAsyncDisposable> ReadAsync(Func<BindingEvent, CancellationToken, Task> handler, CancellationToken cancellationToken)
        {
            start();
            return Task.FromResult<IAsyncDisposable>(new Started(stop));
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    private sealed class Started(Action stop) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            stop();
            return ValueTask.CompletedTask;
        }
    }
}
