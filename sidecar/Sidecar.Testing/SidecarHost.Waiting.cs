using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;

namespace Sidecar.Testing;

/// <summary>
/// Waits run by real time: they wait for programs to do their work, and the virtual clock stands still meanwhile. One that fails says
/// what it saw, and the seed.
/// </summary>
public sealed partial class SidecarHost
{
    private const int ShownLines = 20;

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(2);

    /// <summary>How long nothing may happen before the sidecar counts as settled.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(25);

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(3);

    /// <summary>How many looks in a row must find nothing once something has moved. On a machine with too much to do a look comes late, as all else does.</summary>
    private const int QuietLooks = 6;

    /// <summary>
    /// How many looks <see cref="SettleAsync"/> takes at most, about 2 s: some calls to apps wait for the clock themselves. Looks and not time, as above:
    /// a call that is only slow to be served must not meet the timers of its own limits.
    /// </summary>
    private const int SettleLooks = 600;

    /// <summary>What was published so far, in order.</summary>
    public IReadOnlyList<PublishedMessage> Published => _traffic.Published;

    /// <summary>What was delivered so far, in the order of the beginnings.</summary>
    public IReadOnlyList<Delivery> Deliveries => _traffic.Deliveries;

    /// <summary>Waits for a message on a topic, published before or after the call.</summary>
    public Task<PublishedMessage> WaitForPublishedAsync(
        string topic, Func<PublishedMessage, bool>? match = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default) => WaitAsync(
        () => _traffic.Published.FirstOrDefault(message => message.Topic == topic && (match is null || match(message))),
        () => $"nothing that fits was published on {topic}", timeout, cancellationToken);

    /// <summary>Waits for an acknowledged delivery, from before or after the call.</summary>
    public Task<Delivery> WaitForDeliveredAsync(
        string topic, string? app = null, Func<Delivery, bool>? match = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        WaitForDeliveryAsync(
            topic, app, delivery => delivery.Outcome == DeliveryOutcome.Acknowledged && (match is null || match(delivery)), timeout, cancellationToken);

    /// <summary>Waits for a delivery with any outcome: <c>delivery => delivery.Outcome == DeliveryOutcome.Failed</c>.</summary>
    public Task<Delivery> WaitForDeliveryAsync(
        string topic, string? app, Func<Delivery, bool> match, TimeSpan? timeout = null, CancellationToken cancellationToken = default) => WaitAsync(
        () => _traffic.Deliveries.FirstOrDefault(delivery => delivery.Topic == topic && (app is null || delivery.AppId == app) && match(delivery)),
        () => $"no delivery on {topic}{(app is null ? "" : $" to {app}")} fits", timeout, cancellationToken);

    /// <summary>Waits until a fault has met so many operations.</summary>
    public Task WaitForFaultAsync(Fault fault, int hits = 1, TimeSpan? timeout = null, CancellationToken cancellationToken = default) => WaitAsync(
        () => fault.Hits >= hits ? fault : null, () => $"the fault has met {fault.Hits} operations, not {hits}", timeout, cancellationToken);

    /// <summary>Waits for a line of log that contains the text, from before or after the call.</summary>
    public Task WaitForLogAsync(string text, TimeSpan? timeout = null, CancellationToken cancellationToken = default) => PollAsync(
        () => Logs.Contains(text), () => $"nothing that was logged contains '{text}'", timeout, cancellationToken);

    /// <summary>
    /// Waits until nothing is undelivered and no workflow can run: what is left then waits for the clock or for the test. A message that
    /// failed and waits for its redelivery is undelivered: see <see cref="AdvanceUntilIdleAsync"/>.
    /// </summary>
    public async Task WaitForIdleAsync(TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        var (last, since) = (Movements(), Stopwatch.GetTimestamp());
        await PollAsync(
            () =>
            {
                // For a while: what one step hands to the next is in nobody's count in between.
                var (isBusy, now) = (Busy() is not null || ThreadPool.PendingWorkItemCount > 0, Movements());
                if (now != last || isBusy)
                {
                    (last, since) = (now, Stopwatch.GetTimestamp());
                }

                return Stopwatch.GetElapsedTime(since) >= Quiet;
            },
            () => $"not idle: {Busy() ?? "work goes on"}", timeout, cancellationToken);
    }

    /// <summary>
    /// Moves the clock, timer by timer, and lets what each timer sets off come to rest before the next: a retry after one second whose
    /// next pause is two fires twice within <c>AdvanceAsync(3 s)</c>. Rest means that for some milliseconds no call of an app was open, no thread
    /// was at the sidecar's work and nothing was published, delivered, stored or timed.
    /// </summary>
    public async Task AdvanceAsync(TimeSpan by, CancellationToken cancellationToken = default)
    {
        var target = Clock.GetUtcNow() + by;
        await SettleAsync(QuietLooks, cancellationToken);
        while (Clock.FireNext(target))
        {
            await SettleAsync(1, cancellationToken);
        }
    }

    /// <summary>
    /// Moves the clock from timer to timer until nothing is undelivered and no workflow can run. Throws when that takes more than
    /// <paramref name="atMost"/> by that clock, by default an hour. Returns how far the clock went.
    /// </summary>
    public Task<TimeSpan> AdvanceUntilIdleAsync(TimeSpan? atMost = null, CancellationToken cancellationToken = default) =>
        AdvanceUntilAsync(() => Busy() is null, () => $"not idle: {Busy()}", atMost, cancellationToken);

    /// <summary>Moves the clock from timer to timer until the condition holds; as <see cref="AdvanceUntilIdleAsync"/>.</summary>
    public Task<TimeSpan> AdvanceUntilAsync(Func<bool> condition, TimeSpan? atMost = null, CancellationToken cancellationToken = default) =>
        AdvanceUntilAsync(condition, () => "the condition does not hold", atMost, cancellationToken);

    private async Task<TimeSpan> AdvanceUntilAsync(Func<bool> condition, Func<string> failure, TimeSpan? atMost, CancellationToken cancellationToken)
    {
        var start = Clock.GetUtcNow();
        var limit = start + (atMost ?? TimeSpan.FromHours(1));
        await SettleAsync(QuietLooks, cancellationToken);
        while (!condition())
        {
            if (Clock.NextTimer is not { } next || next > limit)
            {
                throw Failure($"{failure()}; the clock is at {Clock.GetUtcNow():O}, the next timer is {(Clock.NextTimer is { } due ? $"due at {due:O}" : "not armed")}");
            }

            Clock.FireNext(next);
            await SettleAsync(1, cancellationToken);
        }

        return Clock.GetUtcNow() - start;
    }

    /// <summary>Looks again every few milliseconds, for what has no event.</summary>
    internal async Task PollAsync(Func<bool> condition, Func<string> failure, TimeSpan? timeout, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout ?? _options.Patience);
        try
        {
            while (!condition())
            {
                await Task.Delay(PollInterval, limit.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Failure(failure());
        }
    }

    private async Task<T> WaitAsync<T>(Func<T?> find, Func<string> failure, TimeSpan? timeout, CancellationToken cancellationToken) where T : class
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout ?? _options.Patience);
        try
        {
            return await _traffic.WaitForAsync(find, limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Failure(failure());
        }
    }

    /// <summary>
    /// Waits until nothing moves for so many looks. After a timer that sets nothing off, as most that an hour of clock fires, one is enough; whatever does
    /// move must have been quiet for some more, and so must what the test did before it moved the clock.
    /// </summary>
    private async Task SettleAsync(int looks, CancellationToken cancellationToken)
    {
        var last = Movements();
        for (var left = SettleLooks; looks > 0 && left > 0; left--)
        {
            await Task.Delay(LookInterval, cancellationToken);
            // In this order: what goes from one of them to another behind the look has moved.
            var (isAtWork, isQueued, now) = (IsAtWork(), ThreadPool.PendingWorkItemCount > 0, Movements());
            if (now != last || isAtWork)
            {
                (last, looks) = (now, QuietLooks);
            }
            else if (!isQueued)
            {
                // Otherwise what is queued may be of this host or of another in the process: the look does not count.
                looks--;
            }
        }
    }

    private (long, long, long) Movements() => (_traffic.Changes, _traffic.Threads.Entries, (Time as VirtualClock)?.Changes ?? 0);

    /// <summary>To be called once per look.</summary>
    private bool IsAtWork() =>
        _clientCalls.LookForAny(SettleLooks) || _traffic.InFlight > 0 || _traffic.Threads.AnyRunning
        || Engines().Any(engine => engine.TurnsInFlight + engine.ActivitiesInFlight > 0) || IsAnyRunnerOnItsWay();

    /// <summary>What a broker starts in order to deliver is in no flow before its delivery begins.</summary>
    private bool IsAnyRunnerOnItsWay()
    {
        // In this order: a delivery that begins in between has moved.
        var running = Backlogs().Sum(named => named.Broker.Backlog().Sum(group => group.Running));
        return running > 0 && running > _traffic.Deliveries.Count(delivery => delivery.Outcome == DeliveryOutcome.Running);
    }

    private IEnumerable<Workflows.WorkflowEngineStatus> Engines() =>
        _apps.DistinctBy(app => app.AppId).Select(app => _sidecar.Engine(app.Instance)?.GetStatus()).OfType<Workflows.WorkflowEngineStatus>();

    /// <summary>What is to be done, in words; null when nothing is.</summary>
    private string? Busy()
    {
        foreach (var (name, broker) in Backlogs())
        {
            foreach (var group in broker.Backlog().Where(group => group.Pending > 0))
            {
                return group.SetAside == 0
                    ? $"{group.Pending} messages of {name}/{group.Topic} are not acknowledged by {group.Group}"
                    : $"{group.Pending} messages of {name}/{group.Topic} are not acknowledged by {group.Group}; {group.SetAside} of them failed and wait "
                      + $"for their redelivery at {group.NextRedelivery:O}, the clock is at {Time.GetUtcNow():O}";
            }
        }

        foreach (var engine in Engines())
        {
            var backlog = engine.ActivityBacklog.Values.Sum();
            if (engine.TurnsReady + engine.TurnsInFlight + engine.ActivitiesInFlight + backlog > 0)
            {
                return $"workflows of {engine.AppId}: {engine.TurnsReady} turns and {backlog} activities wait for a worker ({engine.Streams} connected), "
                    + $"{engine.TurnsInFlight} turns and {engine.ActivitiesInFlight} activities are at workers";
            }
        }

        return _traffic.InFlight > 0 ? $"{_traffic.InFlight} calls of apps or operations of components have not ended"
            : _traffic.Threads.AnyRunning ? "the sidecar is at work" : null;
    }

    /// <summary>The brokers by component name. The instances of one component share their backlog.</summary>
    private IEnumerable<(string Name, IBacklog Broker)> Backlogs() =>
        from app in _apps
        from component in app.Instance.Components.All
        where component.Component is IBacklog
        group (IBacklog)component.Component by component.Manifest.Name into same
        select (same.Key, same.First());

    private TimeoutException Failure(string problem)
    {
        var text = new StringBuilder(problem).AppendLine().Append("seed ").Append(Seed).Append("; ")
            .Append(SidecarHostOptions.SeedVariable).Append('=').Append(Seed).AppendLine(" repeats the run");
        Show("published", _traffic.Published);
        Show("deliveries", _traffic.Deliveries);
        Show("warnings", [.. Logs.Entries.Where(entry => entry.Level >= LogLevel.Warning)]);
        return new TimeoutException(text.ToString());

        void Show<T>(string title, IReadOnlyList<T> items)
        {
            if (items.Count > 0)
            {
                text.Append(title).Append(" (").Append(items.Count).AppendLine("):");
                foreach (var item in items.TakeLast(ShownLines))
                {
                    text.Append("  ").Append(item).AppendLine();
                }
            }
        }
    }
}
