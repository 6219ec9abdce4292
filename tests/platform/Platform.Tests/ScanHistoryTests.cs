using System.Text.Json;
using ScanClient;

namespace Platform.Tests;

/// <summary>The checker of histories finds each kind of broken promise, and nothing in a history that keeps them.</summary>
public sealed class ScanHistoryTests
{
    private static readonly Guid Job = Guid.NewGuid();

    [Fact]
    public void A_history_that_keeps_its_promises_has_no_violation()
    {
        var history = History(Event(1, "queued"), Event(2, "vision", 25), Done(3));

        Assert.Empty(history.Check([new Booking("u1", [Job], [Job], ScanHistory.PointsPerReward)]));
    }

    [Fact]
    public void An_accepted_job_without_an_end_is_found()
    {
        var history = new ScanHistory();
        history.Accept("u1", Job);

        Assert.Contains("was accepted and never ended", Assert.Single(history.Check([])));
    }

    [Fact]
    public void A_job_that_nobody_asked_for_is_found()
    {
        var history = new ScanHistory();
        history.Follow(Job, [Done(1)]);

        Assert.Contains("was never accepted", Assert.Single(history.Check([])));
    }

    [Fact]
    public void A_gap_is_found() => Found("seq 3 where 2 was due", Event(1, "queued"), Done(3));

    [Fact]
    public void Disorder_is_found() => Found("seq 2 where 1 was due", Event(2, "queued"), Event(1, "vision"), Done(3));

    [Fact]
    public void An_event_that_comes_twice_is_found() => Found("queued.done came 2 times", Event(1, "queued"), Event(2, "queued"), Done(3));

    [Fact]
    public void Progress_that_goes_back_is_found() => Found("progress went from 50 to 25", Event(1, "vision", 50), Event(2, "rule", 25), Done(3));

    [Fact]
    public void A_missing_end_is_found() => Found("0 terminal events, the last event is queued.done", Event(1, "queued"));

    [Fact]
    public void A_second_end_is_found() => Found("2 terminal events", Done(1), Done(2));

    [Fact]
    public void A_job_that_failed_is_found() => Found("the last event is done.failed", Done(1, status: "failed"));

    [Theory]
    [InlineData(0, 1, 10, "is not in account")]
    [InlineData(1, 0, 10, "is not in characters")]
    [InlineData(2, 1, 10, "account has the reward of job")]
    [InlineData(1, 2, 10, "characters has the reward of job")]
    [InlineData(1, 1, 20, "20 points for 1 rewards")]
    public void A_reward_that_is_lost_or_doubled_is_found(int granted, int recorded, int points, string violation)
    {
        var booking = new Booking("u1", [.. Enumerable.Repeat(Job, granted)], [.. Enumerable.Repeat(Job, recorded)], points);

        Assert.Contains(violation, Assert.Single(History(Done(1)).Check([booking])));
    }

    [Fact]
    public void A_reward_that_was_not_won_is_found() =>
        Assert.Equal(3, History(Done(1, reward: "null")).Check([new Booking("u1", [Job], [Job], ScanHistory.PointsPerReward)]).Count);

    private static void Found(string violation, params SeenEvent[] events) =>
        Assert.Contains(History(events).Check([]), found => found.Contains(violation, StringComparison.Ordinal));

    private static ScanHistory History(params SeenEvent[] events)
    {
        var history = new ScanHistory();
        history.Accept("u1", Job);
        history.Follow(Job, events);
        return history;
    }

    private static SeenEvent Done(long seq, string status = "completed", string reward = "{}") =>
        new(seq, "done", status, 100, Data($"{seq}", reward));

    private static SeenEvent Event(long seq, string stage, int progress = 0) => new(seq, stage, "done", progress, Data($"{stage}.done", "null"));

    private static JsonElement Data(string key, string reward) =>
        JsonDocument.Parse($$$"""{"key":"{{{key}}}","result":{"reward":{{{reward}}}}}""").RootElement;
}
