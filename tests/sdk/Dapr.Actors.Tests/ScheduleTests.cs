using Dapr.Actors.Client;
using Dapr.Actors.Communication;
using Dapr.Actors.Runtime;
using Dapr.Client.Tests;

namespace Dapr.Actors.Tests;

/// <summary>Timers and reminders on the wire (dapr-sdk §6.2).</summary>
public sealed class ScheduleTests
{
    [Fact]
    public async Task Reminders_are_registered()
    {
        await using var sidecar = await RecordingSidecar.StartAsync();
        var actor = Create(sidecar);

        await actor.RegisterAsync();

        Assert.Equal(
            ("PUT", "/v1.0/actors/plain/7/reminders/r", """{"dueTime":"0h0m5s0ms","period":"0h1m0s0ms","data":"AQ=="}""", "t0ken"),
            (sidecar.Request.Method, sidecar.Request.Target, sidecar.Request.Body, sidecar.Request.Headers["dapr-api-token"]));
    }

    [Fact]
    public async Task Reminders_with_an_end_say_so()
    {
        await using var sidecar = await RecordingSidecar.StartAsync();

        await Create(sidecar).RepeatAsync();

        Assert.Equal("""{"dueTime":"0h0m0s0ms","period":"R3/PT1M","data":"","ttl":"30h0m0s0ms"}""", sidecar.Request.Body);
    }

    [Fact]
    public async Task Reminders_are_removed()
    {
        await using var sidecar = await RecordingSidecar.StartAsync();

        await Create(sidecar).RemoveAsync();

        Assert.Equal(("DELETE", "/v1.0/actors/plain/7/reminders/r"), (sidecar.Request.Method, sidecar.Request.Target));
    }

    [Fact]
    public async Task Reminders_are_read()
    {
        await using var sidecar = await RecordingSidecar.StartAsync();
        sidecar.Answers(200, """{"actorID":"7","actorType":"plain","data":"AQI=","dueTime":"1h0m5.5s","period":"R3/PT1M","ttl":"30h"}""");

        var reminder = Assert.IsType<ActorReminder>(await Create(sidecar).ReadAsync("r"));

        Assert.Equal(("GET", "/v1.0/actors/plain/7/reminders/r"), (sidecar.Request.Method, sidecar.Request.Target));
        Assert.Equal([1, 2], reminder.State);
        Assert.Equal(
            (new TimeSpan(0, 1, 0, 5, 500), TimeSpan.FromMinutes(1), 3, TimeSpan.FromHours(30)),
            (reminder.DueTime, reminder.Period, reminder.Repetitions!.Value, reminder.Ttl!.Value));
    }

    [Fact]
    public async Task No_reminder_is_null_and_a_failure_is_one()
    {
        await using var sidecar = await RecordingSidecar.StartAsync();
        sidecar.Answers(404);
        Assert.Null(await Create(sidecar).ReadAsync("r"));

        sidecar.Answers(500, """{"errorCode":"ERR_ACTOR_REMINDER_GET","message":"x"}""");
        Assert.Equal("ERR_ACTOR_REMINDER_GET", (await Assert.ThrowsAsync<DaprApiException>(() => Create(sidecar).ReadAsync("r"))).ErrorCode);
    }

    [Fact]
    public async Task Timers_are_registered_and_removed()
    {
        await using var sidecar = await RecordingSidecar.StartAsync();
        var actor = Create(sidecar);

        await actor.WatchAsync();
        await actor.OnceAsync();
        await actor.UnwatchAsync();

        Assert.Equal(
            [
                """PUT /v1.0/actors/plain/7/timers/t {"dueTime":"0h0m1s0ms","period":"0h0m2s0ms","data":"Ag==","callback":"OnTimer","ttl":"1h30m0s0ms"}""",
                """PUT /v1.0/actors/plain/7/timers/t {"dueTime":"0h0m1s0ms","data":"","callback":"OnTimer"}""",
                "DELETE /v1.0/actors/plain/7/timers/t ",
            ],
            sidecar.Requests.Select(request => $"{request.Method} {request.Target} {request.Body}"));
    }

    [Fact]
    public async Task A_registration_whose_connection_breaks_is_repeated()
    {
        await using var sidecar = await RecordingSidecar.StartAsync();
        sidecar.Answer = http =>
        {
            http.Response.StatusCode = 204;
            if (sidecar.Requests.Count == 1)
            {
                http.Abort();
            }

            return Task.CompletedTask;
        };

        await Create(sidecar).RegisterAsync();

        Assert.Equal(2, sidecar.Requests.Count);
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("Wrong")]
    [InlineData("")]
    public async Task Timers_need_a_method_that_they_can_call(string callback)
    {
        var actor = new Odd(ActorHost.CreateForTest<Odd>());

        await Assert.ThrowsAnyAsync<ArgumentException>(() => actor.RegisterTimerAsync("t", callback, null, TimeSpan.Zero, TimeSpan.Zero));
    }

    [Theory]
    [InlineData("", -1)]
    [InlineData("5s", 5_000)]
    [InlineData("1h2m3s4ms", 3_723_004)]
    [InlineData("0h0m0s100ms", 100)]
    [InlineData("1.5s", 1_500)]
    [InlineData("PT5S", 5_000)]
    [InlineData("R3/PT5S", 5_000)]
    [InlineData("R2", -1)]
    [InlineData("2001-01-01T00:00:00Z", 0)]
    public void Times_of_sidecars_are_understood(string text, int milliseconds) =>
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), Schedule.Parse(text, absent: Schedule.Never).Time);

    [Fact]
    public void Nonsense_is_no_time() => Assert.Throws<FormatException>(() => Schedule.Parse("soon", absent: default));

    [Fact]
    public void Times_before_now_are_refused()
    {
        var id = new ActorId("7");
        Assert.Throws<ArgumentOutOfRangeException>(() => new ActorReminder("T", id, "r", [], TimeSpan.FromSeconds(-1), TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ActorReminder("T", id, "r", [], TimeSpan.Zero, TimeSpan.Zero, repetitions: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ActorTimer("T", id, "t", "C", [], TimeSpan.Zero, TimeSpan.FromSeconds(-2)));
    }

    private static Plain Create(RecordingSidecar sidecar)
    {
        var connection = new ActorSidecar(new ActorProxyOptions { HttpEndpoint = sidecar.Address, DaprApiToken = "t0ken" }, null);
        return new Plain(ActorHost.CreateForTest<Plain>(new ActorTestOptions { ActorId = new ActorId("7"), TimerManager = new SidecarTimers(connection) }));
    }

    private sealed class Odd(ActorHost host) : Actor(host), IPlain
    {
        private int Wrong() => 1;
    }
}
