using System.Text.Json;
using ScanClient;
using Webhooks;

namespace Platform.Tests;

/// <summary>The checker of callback histories finds each kind of broken promise, and nothing in a history that keeps them.</summary>
public sealed class CallbackHistoryTests
{
    private static readonly Guid Task = Guid.NewGuid();
    private static readonly Guid Message = CallbackHistory.MessageOf(Task);

    [Fact]
    public void A_task_that_is_told_to_who_takes_it_has_no_violation() => Assert.Empty(Check(Promise.Delivered, "delivered", [], Attempt(isTaken: false), Attempt(), Attempt()));

    [Fact]
    public void A_task_whose_receiver_never_takes_it_is_a_dead_letter_and_no_violation() =>
        Assert.Empty(Check(Promise.Dead, "dead", [$"{Message}"], Attempt(isTaken: false)));

    [Fact]
    public void A_task_whose_receiver_is_never_reached_is_a_dead_letter_and_no_violation() => Assert.Empty(Check(Promise.Dead, "dead", [$"{Message}"]));

    [Fact]
    public void A_task_that_failed_and_is_told_so_has_no_violation() =>
        Assert.Empty(History(Done("failed")).Check([Attempt(status: "failed")], Deliveries("delivered"), []));

    [Fact]
    public void An_accepted_task_without_an_end_is_found()
    {
        var history = new CallbackHistory();
        history.Accept(Task, Promise.Delivered);

        Assert.Contains("was accepted and never ended", Assert.Single(history.Check([Attempt()], Deliveries("delivered"), [])));
    }

    [Fact]
    public void A_task_that_nobody_asked_for_is_found()
    {
        var history = new CallbackHistory();
        history.Follow(Task, [Done()]);

        Assert.Equal(2, history.Check([Attempt()], Deliveries("delivered"), []).Count(violation => violation.Contains("never accepted", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_missing_end_is_found() => Found("0 terminal events, the last event is queued.started", History(Event("queued", "started")));

    [Fact]
    public void No_events_at_all_are_found() => Found("0 terminal events, the last event is none", History());

    [Fact]
    public void A_second_end_is_found() => Found("2 terminal events", History(Done("failed"), Done()));

    [Fact]
    public void A_step_that_is_told_twice_is_found() =>
        Found("uploading.completed came 2 times", History(Event("uploading", "completed"), Event("uploading", "completed"), Done()));

    [Fact]
    public void An_end_that_is_told_otherwise_is_found() => Found("is completed in its log and was told as failed", History(Done()), Attempt(status: "failed"));

    [Fact]
    public void A_signature_that_does_not_fit_is_found() => Found("the signature is SignatureWrong", History(Done()), Attempt() with { Verdict = WebhookVerdict.SignatureWrong });

    [Fact]
    public void A_body_that_changes_between_attempts_is_found() => Found("has 2 bodies", History(Done()), Attempt(), Attempt(more: 1));

    [Fact]
    public void A_task_that_is_told_under_two_ids_is_found() => Found("was told under 2 ids", History(Done()), Attempt(), Attempt() with { Id = $"{Guid.NewGuid()}" });

    [Fact]
    public void Two_tasks_under_one_id_are_found()
    {
        var other = Guid.NewGuid();
        var history = History(Done());
        history.Accept(other, Promise.Delivered);
        history.Follow(other, [Done()]);

        var found = history.Check([Attempt(), Attempt(other)], Deliveries("delivered"), []);

        Assert.Contains(found, violation => violation.Contains("which is not its own", StringComparison.Ordinal));
    }

    [Fact]
    public void An_effect_that_is_missing_is_found() => Found("was never taken", History(Done()), Attempt(isTaken: false));

    [Fact]
    public void An_effect_of_a_message_that_nobody_takes_is_found() =>
        Assert.Contains("was taken by who takes none", Assert.Single(Check(Promise.Dead, "dead", [$"{Message}"], Attempt())));

    [Theory]
    [InlineData("pending", "its delivery is pending where delivered was due")]
    [InlineData("dead", "its delivery is dead where delivered was due")]
    [InlineData(null, "its delivery is missing where delivered was due")]
    public void A_delivery_that_did_not_end_as_it_should_is_found(string? state, string violation) =>
        Assert.Contains(violation, Assert.Single(Check(Promise.Delivered, state, [], Attempt())));

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void A_dead_letter_that_is_missing_or_doubled_is_found(int letters) => Assert.Contains(
        $"{letters} dead letters where 1 was due", Assert.Single(Check(Promise.Dead, "dead", [.. Enumerable.Repeat($"{Message}", letters)])));

    [Fact]
    public void A_dead_letter_of_something_that_was_delivered_is_found() =>
        Assert.Contains("1 dead letters where 0 was due", Assert.Single(Check(Promise.Delivered, "delivered", [$"{Message}"], Attempt())));

    [Fact]
    public void A_dead_letter_of_something_else_is_found() =>
        Assert.Contains("is no message of these tasks", Assert.Single(Check(Promise.Delivered, "delivered", [$"{Guid.NewGuid()}"], Attempt())));

    private static void Found(string violation, CallbackHistory history, params CallbackAttempt[] attempts) =>
        Assert.Contains(history.Check(attempts, Deliveries("delivered"), []), found => found.Contains(violation, StringComparison.Ordinal));

    private static IReadOnlyList<string> Check(Promise promise, string? state, string[] letters, params CallbackAttempt[] attempts)
    {
        var history = new CallbackHistory();
        history.Accept(Task, promise);
        history.Follow(Task, [Event("queued", "started"), Done()]);
        return history.Check(attempts, Deliveries(state), letters);
    }

    private static CallbackHistory History(params SeenEvent[] events)
    {
        var history = new CallbackHistory();
        history.Accept(Task, Promise.Delivered);
        history.Follow(Task, events);
        return history;
    }

    private static Dictionary<Guid, string> Deliveries(string? state) => state is null ? [] : new() { [Message] = state };

    private static SeenEvent Done(string status = "completed") => Event("done", status);

    private static SeenEvent Event(string stage, string status) => new(1, stage, status, 0, JsonElement.Parse("{}"));

    private static CallbackAttempt Attempt(Guid? task = null, string status = "success", bool isTaken = true, int more = 0) => new(
        $"{Message}", JsonSerializer.Serialize(new { type = "desk.completed", data = new { task_id = task ?? Task, status, more } }), WebhookVerdict.Genuine, isTaken);
}
