using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http;
using TestKit;

namespace Sidecar.Actors.Tests;

/// <summary>Reminders (protocol: HTTP §6.2): durable over every kind of end, on a clock that the test moves.</summary>
public sealed class ReminderTests
{
    private const string Counter = """{"entities":["Counter"],"actorIdleTimeout":"1m"}""";

    private readonly ManualTimeProvider _time = new();
    private readonly Channel<string> _ticks = Channel.CreateUnbounded<string>();
    private ActorApp _app = null!;

    [Fact]
    public async Task A_reminder_fires_with_its_data_wakes_the_actor_and_goes_on_by_its_period()
    {
        await using var run = await StartAsync(_ => Results.Ok());
        await RemindAsync(run, "r", """{"dueTime":"0h0m5s0ms","period":"0h0m11s0ms","data":{"a":[1]}}""");
        Assert.Equal(
            """{"actorID":"1","actorType":"Counter","data":{"a":[1]},"dueTime":"0h0m5s0ms","period":"0h0m11s0ms"}""",
            await run.Client().GetStringAsync("/v1.0/actors/Counter/1/reminders/r"));

        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal("""1 remind/r {"data":{"a":[1]},"dueTime":"0h0m5s0ms","period":"0h0m11s0ms"}""", await NextAsync());
        await ArmedAsync(TimeSpan.FromSeconds(11));
        _time.Advance(TimeSpan.FromSeconds(11));
        await NextAsync();

        Assert.Equal(1, run.Runtime(_app).Active!.Single().Count);
    }

    [Fact]
    public async Task A_reminder_outlives_the_actor_the_app_and_the_sidecar()
    {
        await using var run = await StartAsync(_ => Results.Ok(), "state.tandem");
        await RemindAsync(run, "r", """{"dueTime":"10m","period":"R2/PT10H"}""");

        // The sidecar.
        await run.RestartAsync();
        _time.Advance(TimeSpan.FromMinutes(10));
        Assert.StartsWith("1 remind/r", await NextAsync(), StringComparison.Ordinal);

        // The actor, by its idle timeout.
        await TurnAsync(run);
        _time.Advance(TimeSpan.FromMinutes(1));
        await ActorRun.Eventually(() => _app.Requests.Contains("DELETE Counter/1"));

        // The app: it falls due while nobody hosts the type.
        await _app.KillAsync();
        await run.DownAsync(_app);
        _time.Advance(TimeSpan.FromHours(10));
        await _app.StartAsync();
        Assert.StartsWith("1 remind/r", await NextAsync(), StringComparison.Ordinal);

        // It was the last, also in the store.
        await ActorRun.Eventually(() => run.Runtime(_app).ListReminders("Counter", null).Count == 0);
        await run.RestartAsync();
        Assert.Empty(run.Runtime(_app).ListReminders("Counter", null));
    }

    [Fact]
    public async Task A_tick_that_the_app_took_and_nobody_recorded_fires_again_after_a_crash()
    {
        using var image = new TempDirectory();
        ActorRun? run = null;
        run = await StartAsync(
            _ =>
            {
                // What a crash here would leave: the app knows of the tick, the store does not yet.
                run!.CopyData(image.Path);
                return Results.Ok();
            }, "state.tandem");
        await using var disposing = run;
        await RemindAsync(run, "r", """{"dueTime":"1m"}""");
        _time.Advance(TimeSpan.FromMinutes(1));
        await NextAsync();
        await ActorRun.Eventually(() => run.Runtime(_app).ListReminders("Counter", null).Count == 0);

        await run.RestartAsync(image.Path);

        Assert.StartsWith("1 remind/r", await NextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reminder_that_fell_due_while_the_sidecar_was_away_fires_at_its_start_and_missed_periods_are_one()
    {
        await using var run = await StartAsync(_ => Results.Ok(), "state.tandem");
        await RemindAsync(run, "r", """{"dueTime":"1m","period":"1m"}""");
        await run.Sidecar.DisposeAsync();

        _time.Advance(new TimeSpan(hours: 1, minutes: 0, seconds: 29));
        await run.StartAsync();

        await NextAsync();
        await ArmedAsync(TimeSpan.FromSeconds(31));
        Assert.False(_ticks.Reader.TryRead(out _));
        _time.Advance(TimeSpan.FromSeconds(31));
        await NextAsync();
    }

    [Theory]
    [InlineData("", 3)]
    [InlineData(""","failure_policy":{"drop":{}}""", 1)]
    [InlineData(""","failure_policy":{"constant":{"interval":"1s","max_retries":4}}""", 5)]
    public async Task A_reminder_that_fails_is_tried_again_by_its_policy_and_then_waits_for_the_next_period(string policy, int tries)
    {
        await using var run = await StartAsync(_ => Results.StatusCode(500));
        await RemindAsync(run, "r", $$"""{"dueTime":"1m","period":"1h"{{policy}}}""");

        _time.Advance(TimeSpan.FromMinutes(1));
        await NextAsync();
        for (var retry = 1; retry < tries; retry++)
        {
            await ActorRun.Eventually(() => _time.Started(TimeSpan.FromSeconds(1)) >= retry);
            _time.Advance(TimeSpan.FromSeconds(1));
            await NextAsync();
        }

        // The next period counts from when this one was due.
        await ActorRun.Eventually(() => run.Log.Count(line => line.StartsWith("Reminder r", StringComparison.Ordinal)) == tries);
        await TurnAsync(run);
        _time.Advance(TimeSpan.FromMinutes(59));
        Assert.False(_ticks.Reader.TryRead(out _));
        _time.Advance(TimeSpan.FromMinutes(1));
        await NextAsync();
    }

    [Theory]
    [InlineData("cancel")]
    [InlineData("delete")]
    [InlineData("self")]
    [InlineData("ttl")]
    public async Task A_reminder_ends_by_cancel_header_delete_or_time_to_live(string how)
    {
        ActorRun? run = null;
        run = await StartAsync(call =>
        {
            if (how == "cancel" && call.Method == "remind/r")
            {
                call.Http.Response.Headers["X-Daprremindercancel"] = "true";
            }

            if (how == "self" && call.Method == "remind/r")
            {
                run!.Client().DeleteAsync("/v1.0/actors/Counter/1/reminders/r").GetAwaiter().GetResult().Dispose();
            }

            return Results.Ok();
        });
        await using var disposing = run;
        await RemindAsync(run, "r", $$"""{"dueTime":"10s","period":"10s"{{(how == "ttl" ? ",\"ttl\":\"10s\"" : "")}}}""");

        _time.Advance(TimeSpan.FromSeconds(10));
        await NextAsync();
        if (how == "delete")
        {
            await run.Client().DeleteAsync("/v1.0/actors/Counter/1/reminders/r");
        }

        await ActorRun.Eventually(() => run.Runtime(_app).ListReminders("Counter", "1").Count == 0);
        using var gone = await run.Client().GetAsync("/v1.0/actors/Counter/1/reminders/r");
        Assert.Equal("404 ERR_ACTOR_REMINDER_NOT_FOUND", await gone.ErrorAsync());
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.False(_ticks.Reader.TryRead(out _));
    }

    [Fact]
    public async Task A_reminder_of_the_same_name_is_replaced_unless_that_is_forbidden()
    {
        await using var run = await StartAsync(_ => Results.Ok());
        await RemindAsync(run, "r", """{"dueTime":"1s","data":1}""");
        await RemindAsync(run, "r", """{"dueTime":"20s","data":2}""");
        using var refused = await run.Client().PostAsync("/v1.0/actors/Counter/1/reminders/r", new StringContent("""{"dueTime":"1s","overwrite":false}"""));

        _time.Advance(TimeSpan.FromSeconds(20));

        Assert.Equal("""1 remind/r {"data":2,"dueTime":"20s","period":""}""", await NextAsync());
        Assert.Equal("409 ERR_ACTOR_REMINDER_ALREADY_EXISTS", await refused.ErrorAsync());
    }

    [Fact]
    public async Task Reminders_are_for_the_types_that_the_app_hosts()
    {
        await using var run = await StartAsync(_ => Results.Ok());
        var client = run.Client();

        using var foreign = await client.PutAsync("/v1.0/actors/Other/1/reminders/r", new StringContent("{}"));
        using var read = await client.GetAsync("/v1.0/actors/Other/1/reminders/r");
        using var reserved = await client.PutAsync("/v1.0/actors/dapr.internal.x/1/reminders/r", new StringContent("{}"));
        using var nonsense = await client.PutAsync("/v1.0/actors/Counter/1/reminders/r", new StringContent("""{"dueTime":"soon"}"""));
        using var malformed = await client.PutAsync("/v1.0/actors/Counter/1/reminders/r", new StringContent("{"));
        using var absent = await client.DeleteAsync("/v1.0/actors/Counter/1/reminders/r");

        Assert.Equal("403 ERR_ACTOR_REMINDER_NON_HOSTED", await foreign.ErrorAsync());
        Assert.Equal("403 ERR_ACTOR_REMINDER_NON_HOSTED", await read.ErrorAsync());
        Assert.Equal("403 ERR_ACTOR_TYPE_RESERVED", await reserved.ErrorAsync());
        Assert.Equal("500 ERR_ACTOR_REMINDER_CREATE", await nonsense.ErrorAsync());
        Assert.Equal("400 ERR_MALFORMED_REQUEST", await malformed.ErrorAsync());
        Assert.Equal(HttpStatusCode.NoContent, absent.StatusCode);
    }

    [Fact]
    public async Task Names_with_separators_do_not_meet()
    {
        await using var run = await StartAsync(_ => Results.Ok(), "state.tandem");
        await RemindAsync(run, "c", """{"dueTime":"1h","data":1}""", "a%7C%7Cb");
        await RemindAsync(run, "b%7C%7Cc", """{"dueTime":"1h","data":2}""", "a");

        await run.RestartAsync();

        Assert.Equal(["a:b||c", "a||b:c"], run.Runtime(_app).ListReminders("Counter", null).Select(reminder => $"{reminder.ActorId}:{reminder.Name}"));
    }

    private async Task<ActorRun> StartAsync(Func<AppCall, IResult> onReminder, string store = "state.in-memory")
    {
        var run = new ActorRun(_time).Store(store);
        _app = await run.AppAsync("host", Counter, call =>
        {
            if (!call.Method.StartsWith("remind/", StringComparison.Ordinal))
            {
                return Task.FromResult(Results.Ok());
            }

            var result = onReminder(call);
            _ticks.Writer.TryWrite($"{call.Id} {call.Method} {call.Body}");
            return Task.FromResult(result);
        });
        return await run.StartAsync();
    }

    private static async Task RemindAsync(ActorRun run, string name, string body, string id = "1")
    {
        using var response = await run.Client().PutAsync($"/v1.0/actors/Counter/{id}/reminders/{name}", new StringContent(body));
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
    }

    /// <summary>A call, whose turn comes after that of the tick the app has got: the sidecar is then through with the tick.</summary>
    private static async Task TurnAsync(ActorRun run) => (await run.Client().CallAsync("Counter/1/method/x")).Dispose();

    private Task<string> NextAsync() => _ticks.Reader.ReadAsync().AsTask().WaitAsync(ActorRun.Patience);

    /// <summary>The clock timer of the queue has been set to a wait of that length, which nothing else on the clock may have.</summary>
    private Task ArmedAsync(TimeSpan wait) => ActorRun.Eventually(() => _time.Started(wait) > 0);
}
