using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Sidecar.Workflows.Diagnostics;
using Sidecar.Workflows.Dispatch;
using Sidecar.Workflows.State;
using Sidecar.Workflows.Storage;
using Sidecar.Workflows.Timers;
using Tandem.Protocol.Workflows;

namespace Sidecar.Workflows.Instances;

/// <summary>
/// Runs instances: takes events in, makes turns of them, commits what the worker answers. What an instance waits for
/// (activities, timers, children) follows from its history, so it is armed again after every load and arming twice
/// changes nothing.
/// </summary>
internal sealed partial class InstanceRunner : IWorkSource
{
    private readonly string _appId;
    private readonly Func<string, InstanceRunner?> _peers;
    private readonly InstanceStore _store;
    private readonly InstanceTable _table;
    private readonly TimerQueue _timers;
    private readonly WorkflowEngineOptions _options;
    private readonly TimeProvider _time;
    private readonly WorkflowMetrics _metrics;
    private readonly ILogger _logger;
    private readonly CancellationToken _stopping;
    private int _heldResults;
    private readonly ConcurrentDictionary<string, byte> _active = new(StringComparer.Ordinal);

    public InstanceRunner(
        string appId,
        Func<string, InstanceRunner?> peers,
        InstanceStore store,
        InstanceTable table,
        TimerQueue timers,
        WorkflowEngineOptions options,
        TimeProvider time,
        WorkflowMetrics metrics,
        ILogger logger,
        CancellationToken stopping)
    {
        (_appId, _peers, _store, _table, _timers, _options, _time, _metrics, _logger, _stopping) =
            (appId, peers, store, table, timers, options, time, metrics, logger, stopping);
        Dispatcher = new WorkItemDispatcher(this, options, metrics, logger);
    }

    public WorkItemDispatcher Dispatcher { get; }

    /// <summary>Instances that have not ended.</summary>
    public int InProgress => _active.Count;

    private DateTimeOffset Now => _time.GetUtcNow();

    /// <summary>Runs with the gate of the instance held. The state is the stored one, or null when there is none.</summary>
    public async Task<T> WithInstanceAsync<T>(string instanceId, Func<Instance, Task<T>> action)
    {
        var instance = _table.Acquire(instanceId);
        try
        {
            await instance.Gate.WaitAsync(_stopping);
            try
            {
                return await action(instance);
            }
            finally
            {
                instance.Gate.Release();
            }
        }
        finally
        {
            _table.Release(instance);
        }
    }

    /// <summary>The stored state, read if it is not in memory. Under the gate.</summary>
    public async Task<InstanceState?> LoadAsync(Instance instance)
    {
        if (instance.State is null)
        {
            instance.State = await _store.LoadAsync(instance.Id, _stopping);
            if (instance.State is { HasEnded: false } state)
            {
                WakeIfUnknown(instance.Id);
                Arm(instance, state);
            }
            else
            {
                SetActive(instance.Id, false);
                _timers.RemoveAll(instance.Id);
                if (instance.State is { Metadata.ParentUntold: true })
                {
                    // Its end may have been written without success being heard of.
                    TellParentAfter(instance.Id, _options.StoreRetryDelay);
                }
                else if (instance.State is { } ended)
                {
                    ArmRemoval(instance.Id, ended.Metadata);
                }

                DropHeld(instance);
            }

            // A write whose success was not heard of may have brought what somebody waits for.
            Offer(instance, instance.State?.Metadata);
        }

        return instance.State;
    }

    /// <summary>Makes an instance that was found in the store at the start wait and work again.</summary>
    public Task RecoverAsync(string instanceId) => GuardAsync(instanceId, async instance =>
    {
        if (await LoadAsync(instance) is { HasEnded: false } state)
        {
            await EnsureChildrenAsync(instance, state);
            MarkReady(instance);
        }
    });

    /// <summary>
    /// An instance that has not ended was met. When this engine did not know of it, a process that died had still committed it after this one had listed
    /// what goes on: it is made to work like those that were found then. The gate of the instance may be held.
    /// </summary>
    private void WakeIfUnknown(string instanceId)
    {
        if (_active.TryAdd(instanceId, 0))
        {
            _timers.Add(new TimerEntry("\0found", instanceId, Now, () => RecoverAsync(instanceId)));
        }
    }

    /// <summary>Notes whether an instance runs. Kept as a set, because after a failed write a count would not know what to add.</summary>
    public void SetActive(string instanceId, bool active)
    {
        if (active)
        {
            _active.TryAdd(instanceId, 0);
        }
        else
        {
            _active.TryRemove(instanceId, out _);
        }
    }

    /// <summary>
    /// Delivers an event. Returns when it is durable or known to be unwanted. Throws when the store failed, except for
    /// results, which are kept until it works again.
    /// </summary>
    public async Task<Delivery> DeliverAsync(string instanceId, PendingEvent pending)
    {
        var instance = _table.Acquire(instanceId);
        try
        {
            instance.Incoming.Enqueue(pending);
            await instance.Gate.WaitAsync(_stopping);
            try
            {
                if (!pending.Done.IsCompleted)
                {
                    await DrainAsync(instance);
                }
            }
            finally
            {
                instance.Gate.Release();
            }
        }
        finally
        {
            _table.Release(instance);
        }

        return await pending.Done.WaitAsync(_stopping);
    }

    /// <summary>Judges all incoming events and makes them durable in one write, or holds them for the turn they start. Under the gate.</summary>
    private async Task DrainAsync(Instance instance)
    {
        var batch = new List<PendingEvent>();
        try
        {
            var state = await LoadAsync(instance);
            while (instance.Incoming.TryDequeue(out var pending))
            {
                if (Refusal(state, instance, batch, pending) is { } refusal)
                {
                    pending.Settle(refusal);
                }
                else
                {
                    batch.Add(pending);
                }
            }

            if (batch.Count == 0)
            {
                return;
            }

            if (CanHold(instance, batch))
            {
                Hold(instance, batch);
            }
            else
            {
                var stored = batch.Where(p => p.Kind != PendingKind.Derived).ToList();
                if (stored.Count > 0)
                {
                    await _store.AppendInboxAsync(state!, [.. stored.Select(p => p.Event)], Now, _stopping);
                    stored.ForEach(p => p.Settle(Delivery.Stored));
                }

                Hold(instance, batch.Where(p => p.Kind == PendingKind.Derived));
            }

            MarkReady(instance);
        }
        catch (Exception exception) when (!IsStopping(exception))
        {
            while (instance.Incoming.TryDequeue(out var pending))
            {
                batch.Add(pending);
            }

            var failure = Failed(instance, exception);
            Hold(instance, batch.Where(p => p.Kind != PendingKind.Message && !p.Done.IsCompleted && !instance.Held.Contains(p)));
            batch.Where(p => p.Kind == PendingKind.Message).ToList().ForEach(p => p.Fail(failure));
        }
    }

    /// <summary>Why an event is not taken, or null when it is.</summary>
    private static Delivery? Refusal(InstanceState? state, Instance instance, List<PendingEvent> batch, PendingEvent pending)
    {
        if (state is null)
        {
            return Delivery.NoSuchInstance;
        }

        if (state.HasEnded || (pending.ExecutionId is { } execution && execution != state.ExecutionId))
        {
            return Delivery.Dropped;
        }

        if (Events.Resolves(pending.Event) is { } resolution)
        {
            var known = !state.IsPending(resolution.Kind, resolution.Id)
                || state.Inbox.Any(e => Events.Resolves(e) == resolution)
                || instance.Held.Any(p => Events.Resolves(p.Event) == resolution)
                || batch.Any(p => Events.Resolves(p.Event) == resolution);
            return known ? Delivery.Dropped : null;
        }

        return state.Status == OrchestrationStatus.Stalled && pending.Event.EventTypeCase == HistoryEvent.EventTypeOneofCase.EventRaised
            ? Delivery.Stalled
            : null;
    }

    private bool CanHold(Instance instance, List<PendingEvent> batch)
    {
        if (batch.TrueForAll(p => p.Kind == PendingKind.Derived))
        {
            return true;
        }

        return instance is { Phase: TurnPhase.Idle, Failures: 0 }
            && batch.TrueForAll(p => p.Kind != PendingKind.Message)
            && Volatile.Read(ref _heldResults) + batch.Count <= _options.MaxHeldResults
            && Dispatcher.HasFreeTurn;
    }

    private void Hold(Instance instance, IEnumerable<PendingEvent> events)
    {
        foreach (var pending in events)
        {
            instance.Held.Add(pending);
            if (pending.Kind == PendingKind.Result)
            {
                Interlocked.Increment(ref _heldResults);
            }
        }
    }

    /// <summary>An event in memory has become durable or unwanted. Under the gate.</summary>
    private void Unhold(Instance instance, PendingEvent pending, Delivery delivery)
    {
        if (instance.Held.Remove(pending) && pending.Kind == PendingKind.Result)
        {
            Interlocked.Decrement(ref _heldResults);
        }

        pending.Settle(delivery);
    }

    /// <summary>Writes held results to the inbox, so that they do not wait for a worker. Under the gate.</summary>
    private async Task FlushAsync(Instance instance)
    {
        var results = instance.Held.Where(p => p.Kind == PendingKind.Result).ToList();
        if (results.Count == 0)
        {
            return;
        }

        var state = await LoadAsync(instance);
        var wanted = results.Where(p => state is { HasEnded: false }
            && p.ExecutionId == state.ExecutionId
            && Events.Resolves(p.Event) is { } resolution
            && state.IsPending(resolution.Kind, resolution.Id)
            && !state.Inbox.Any(e => Events.Resolves(e) == resolution)).ToList();
        if (wanted.Count > 0)
        {
            await _store.AppendInboxAsync(state!, [.. wanted.Select(p => p.Event)], Now, _stopping);
        }

        results.ForEach(p => Unhold(instance, p, wanted.Contains(p) ? Delivery.Stored : Delivery.Dropped));
    }

    /// <summary>No worker is left: what ready instances hold in memory is written.</summary>
    public async Task FlushReadyAsync(IReadOnlyList<string> instanceIds)
    {
        foreach (var instanceId in instanceIds)
        {
            await GuardAsync(instanceId, FlushAsync);
        }
    }

    /// <summary>Queues the instance for a turn if it has something to deliver. Under the gate.</summary>
    private void MarkReady(Instance instance)
    {
        if (instance is { Phase: not TurnPhase.Committing, State: { HasEnded: false } terminated } && Events.IsTerminated(terminated.Inbox))
        {
            BeginTermination(instance, terminated);
        }
        else if (instance is { Phase: TurnPhase.Idle, State: { HasEnded: false } state }
            && state.Inbox.Count + instance.Held.Count > 0
            && !IsTooEarly(state)
            && !StalledInstances.ContainsKey(instance.Id))
        {
            instance.Phase = TurnPhase.Ready;
            Dispatcher.EnqueueTurn(instance.Id);
        }
    }

    /// <summary>A start in the future holds everything back.</summary>
    private bool IsTooEarly(InstanceState state) =>
        state.Started is null && state.Metadata.ScheduledStart is { } start && start.ToDateTimeOffset() > Now;

    /// <summary>
    /// After a failed store operation nobody knows what was written: the state is dropped and a retry is scheduled. Returns
    /// the error for the caller. Under the gate.
    /// </summary>
    private WorkflowException Failed(Instance instance, Exception exception)
    {
        instance.State = null;
        instance.Failures++;
        if (!instance.RetryScheduled)
        {
            var delay = _options.StoreRetryDelay * Math.Pow(2, Math.Min(instance.Failures - 1, 20));
            delay = delay < _options.MaxStoreRetryDelay ? delay : _options.MaxStoreRetryDelay;
            LogStoreFailed(exception, instance.Id, delay);
            instance.RetryScheduled = _timers.Add(new TimerEntry("\0retry", instance.Id, Now + delay, () => GuardAsync(instance.Id, RetryAsync)));
        }

        _metrics.StoreFailed();
        return new WorkflowException(WorkflowError.Unavailable, "the workflow state store failed: " + exception.Message, exception);
    }

    private async Task RetryAsync(Instance instance)
    {
        instance.RetryScheduled = false;
        var state = await LoadAsync(instance);
        if (instance.Phase is TurnPhase.Idle or TurnPhase.Ready)
        {
            await FlushAsync(instance);
        }

        if (state is { HasEnded: false })
        {
            await EnsureChildrenAsync(instance, state);
        }

        instance.Failures = 0;
        await DrainAsync(instance);
        MarkReady(instance);
    }

    /// <summary>Runs background work on an instance; a failure of the store is logged and tried again later.</summary>
    private async Task GuardAsync(string instanceId, Func<Instance, Task> action)
    {
        try
        {
            await WithInstanceAsync(instanceId, async instance =>
            {
                try
                {
                    await action(instance);
                }
                catch (Exception exception) when (!IsStopping(exception))
                {
                    Failed(instance, exception);
                }

                return true;
            });
        }
        catch (OperationCanceledException)
        {
            // The engine stops; what was to be done follows from the store at the next start.
        }
    }

    /// <summary>A cancellation that is no failure of the store; a store's own timeout is one.</summary>
    private bool IsStopping(Exception exception) => exception is OperationCanceledException && _stopping.IsCancellationRequested;

    private static void Offer(Instance instance, InstanceMetadata? metadata)
    {
        lock (instance.Waiters)
        {
            instance.Waiters.ForEach(waiter => waiter.Offer(metadata));
        }
    }

    [LoggerMessage(6020, LogLevel.Warning, "The state store failed for workflow {InstanceId}; next attempt in {Delay}")]
    private partial void LogStoreFailed(Exception exception, string instanceId, TimeSpan delay);
}
