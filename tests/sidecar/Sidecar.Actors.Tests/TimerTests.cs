using System.Threading.Channels;
using Microsoft.AspNetCore.Http;
using TestKit;

namespace Sidecar.Actors.Tests;

/// <summary>Timers (protocol: HTTP §6.2), on a clock that the test moves.</summary>
public sealed class TimerTests
{
    private const string Counter = """{"entities":["Counter"],"actorIdleTimeout":"1m"}""";

    private readonly ManualTimeProvider _time = new();
    private readonly Channel<string> _ticks = Channel.CreateUnbounded<string>();
    private ActorApp _app = null!;

    [Fact]
    public async Task A_timer_ticks_with_its_callback_and_data_a_period_after_the_last_callback()
    {
        await using var run = await StartAsync(Tick);
        await TimerAsync(run, "t", """{"dueTime":"5s","period":"11s","callback":"Tick","data":{"a":1}}""");

        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal("""timer/t {"callback":"Tick","data":{"a":1},"dueTime":"5s","period":"11s"}""", await NextAsync());
        await ArmedAsync(TimeSpan.FromSeconds(11), 1);
        _time.Advance(TimeSpan.FromSeconds(11));
        Assert.StartsWith("timer/t", await NextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_timer_with_repetitions_ends_after_them()
    {
        await using var run = await StartAsync(Tick);
        await TimerAsync(run, "few", """{"dueTime":"1s","period":"R2/PT1S","callback":"Tick"}""");
        await TimerAsync(run, "last", """{"dueTime":"10s","callback":"Tick"}""");

        _time.Advance(TimeSpan.FromSeconds(1));
        await NextAsync();
        await ArmedAsync(TimeSpan.FromSeconds(1), 2);
        _time.Advance(TimeSpan.FromSeconds(1));
        await NextAsync();
        await ArmedAsync(TimeSpan.FromSeconds(8), 1);
        _time.Advance(TimeSpan.FromSeconds(8));

        Assert.StartsWith("timer/last", await NextAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cancel")]
    [InlineData("unregister")]
    [InlineData("ttl")]
    public async Task A_timer_ends_by_cancel_header_delete_or_time_to_live(string how)
    {
        await using var run = await StartAsync(call =>
        {
            if (how == "cancel" && call.Method == "timer/t")
            {
                call.Http.Response.Headers["x-daprremindercancel"] = "True";
            }

            return Tick(call);
        });
        await TimerAsync(run, "t", $$"""{"dueTime":"1s","period":"2s","callback":"Tick"{{(how == "ttl" ? ",\"ttl\":\"1s\"" : "")}}}""");
        await TimerAsync(run, "other", """{"dueTime":"20s","callback":"Tick"}""");

        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.StartsWith("timer/t", await NextAsync(), StringComparison.Ordinal);
        if (how == "unregister")
        {
            await ArmedAsync(TimeSpan.FromSeconds(2), 1);
            await run.Client().DeleteAsync("/v1.0/actors/Counter/1/timers/t");
        }

        _time.Advance(TimeSpan.FromSeconds(19));
        Assert.StartsWith("timer/other", await NextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Timers_do_not_keep_an_actor_and_end_with_it()
    {
        await using var run = await StartAsync(Tick);
        await TimerAsync(run, "t", """{"dueTime":"40s","period":"30s","callback":"Tick"}""");

        _time.Advance(TimeSpan.FromSeconds(40));
        await NextAsync();
        await ArmedAsync(TimeSpan.FromSeconds(20), 1);
        _time.Advance(TimeSpan.FromSeconds(20));
        await ActorRun.Eventually(() => _app.Requests.Contains("DELETE Counter/1"));
        await ActorRun.Eventually(() => run.Runtime(_app).Active!.Single().Count == 0);

        _time.Advance(TimeSpan.FromMinutes(5));
        using var late = await run.Client().PutAsync("/v1.0/actors/Counter/1/timers/t", new StringContent("""{"callback":"Tick"}"""));
        Assert.Equal("500 ERR_ACTOR_TIMER_CREATE", await late.ErrorAsync());
        Assert.Single(_app.Requests, request => request.Contains("timer", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_timer_that_fails_ticks_again_and_times_that_make_no_sense_are_refused()
    {
        await using var run = await StartAsync(async call =>
        {
            await Tick(call);
            return Results.StatusCode(500);
        });
        await TimerAsync(run, "t", """{"dueTime":"1s","period":"3s","callback":"Tick"}""");
        using var refused = await run.Client().PutAsync("/v1.0/actors/Counter/1/timers/u", new StringContent("""{"period":"R0"}"""));

        _time.Advance(TimeSpan.FromSeconds(1));
        await NextAsync();
        await ArmedAsync(TimeSpan.FromSeconds(3), 1);
        _time.Advance(TimeSpan.FromSeconds(3));
        await NextAsync();

        Assert.Equal("500 ERR_ACTOR_TIMER_CREATE", await refused.ErrorAsync());
    }

    private Task<IResult> Tick(AppCall call)
    {
        if (call.Method.Contains('/', StringComparison.Ordinal))
        {
            _ticks.Writer.TryWrite($"{call.Method} {call.Body}");
        }

        return Task.FromResult(Results.Text("true"));
    }

    private async Task<ActorRun> StartAsync(Func<AppCall, Task<IResult>> onCall)
    {
        var run = new ActorRun(_time).Store();
        _app = await run.AppAsync("host", Counter, onCall);
        await run.StartAsync();
        (await run.Client().CallAsync("Counter/1/method/x")).Dispose();
        return run;
    }

    private static async Task TimerAsync(ActorRun run, string name, string body)
    {
        using var response = await run.Client().PutAsync($"/v1.0/actors/Counter/1/timers/{name}", new StringContent(body));
        Assert.Equal(System.Net.HttpStatusCode.NoContent, response.StatusCode);
    }

    private Task<string> NextAsync() => _ticks.Reader.ReadAsync().AsTask().WaitAsync(ActorRun.Patience);

    /// <summary>The clock timer of the queue has been set to a wait of that length so often.</summary>
    private Task ArmedAsync(TimeSpan wait, int times) => ActorRun.Eventually(() => _time.Started(wait) >= times);
}
