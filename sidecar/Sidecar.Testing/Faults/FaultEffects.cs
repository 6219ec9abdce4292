using System.Net;
using Sidecar.Abstractions;

namespace Sidecar.Testing;

/// <summary>What can go wrong with one kind of operation only.</summary>
public static class FaultEffects
{
    /// <summary>The message does not reach the app; the broker delivers it again by its own rule (metadata <c>redeliverInterval</c>).</summary>
    public static Fault Drop(this FaultRule<DeliveryAttempt> rule) => rule.Fail("the delivery was dropped");

    /// <summary>The app gets the message again after it has handled it, as when an acknowledgement is lost.</summary>
    public static Fault Duplicate(this FaultRule<DeliveryAttempt> rule, int copies = 1) => rule.Do(async (_, proceed, _) =>
    {
        for (var copy = 0; copy <= copies; copy++)
        {
            await proceed();
        }
    });

    /// <summary>The app gets the message twice at the same time, as when two replicas hold it.</summary>
    public static Fault DuplicateAtOnce(this FaultRule<DeliveryAttempt> rule) =>
        rule.Do((_, proceed, _) => Task.WhenAll(proceed(), proceed()));

    /// <summary>
    /// Holds deliveries back until there are as many as the window and hands them on, one after the other, in another order, which the seed
    /// chooses. Of a window larger than the subscription's concurrency that many are taken. What waits goes on when the fault is disposed.
    /// </summary>
    public static Fault Reorder(this FaultRule<DeliveryAttempt> rule, int window)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(window, 2);
        var reordering = new Reordering(window, rule.Seed);
        return rule.Do(reordering.ApplyAsync, defaultTimes: window, reordering.Release);
    }

    /// <summary>
    /// A write that depends on the etag, or on the key's absence, finds that somebody was faster. Other writes are not met.
    /// </summary>
    public static Fault Conflict(this FaultRule<StateWriteAttempt> rule) => rule
        .When(attempt => attempt.Writes.Any(write => write.ETag is not null || write.FirstWrite))
        .Do((attempt, _, _) => throw new ETagMismatchException(attempt.Writes.First(write => write.ETag is not null || write.FirstWrite).Key));

    /// <summary>The app does not see the request; the answer has this status.</summary>
    public static Fault Answer(this FaultRule<CallAttempt> rule, HttpStatusCode status, string body = "") => rule.Do((attempt, _, _) =>
    {
        attempt.Response = new HttpResponseMessage(status) { RequestMessage = attempt.Request, Content = new StringContent(body) };
        return Task.CompletedTask;
    });

    /// <summary>The app accepts no connection.</summary>
    public static Fault Refuse(this FaultRule<CallAttempt> rule) =>
        rule.Do((_, _, _) => throw new HttpRequestException(HttpRequestError.ConnectionError, "injected fault: connection refused"));
}
