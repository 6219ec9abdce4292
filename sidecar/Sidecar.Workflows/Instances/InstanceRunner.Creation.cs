using System.Collections.Concurrent;
using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Logging;
using Sidecar.Workflows.Dispatch;
using Sidecar.Workflows.State;
using Sidecar.Workflows.Storage;
using Sidecar.Workflows.Timers;
using Tandem.Protocol.Workflows;

namespace Sidecar.Workflows.Instances;

/// <summary>How a creation ended.</summary>
internal enum Creation
{
    Created,
    /// <summary>The same action had created it before.</summary>
    Repeated,
    /// <summary>The id belongs to an instance that has not ended.</summary>
    StillActive,
    /// <summary>The id belongs to an ended instance whose children still run.</summary>
    ChildrenActive,
    /// <summary>The id belongs to an ended instance, and one that is not in use was asked for.</summary>
    Exists,
    /// <summary>The id is malformed.</summary>
    InvalidId,
}

/// <content>New instances, and what instances wait for.</content>
internal sealed partial class InstanceRunner
{
    /// <summary>9999-01-01: timers from then on never fire; an indefinite wait for an event is written as 9999-12-31.</summary>
    private const long NeverSeconds = 253370764800;

    /// <summary>Instances that wait for a worker with their version; tried again when a stream opens.</summary>
    public ConcurrentDictionary<string, byte> StalledInstances { get; } = new();

    private int _streamsOpened;

    /// <summary>Apps that were looked for in vain; told once each.</summary>
    private readonly ConcurrentDictionary<string, byte> _missingApps = new();

    /// <summary>
    /// Creates an instance, replacing an ended one of the same id. <paramref name="creationKey"/> names the action that
    /// asks for it; the same key twice creates once.
    /// </summary>
    public Task<Creation> CreateAsync(string instanceId, ExecutionStartedEvent start, string creationKey, bool unusedId = false) => WithInstanceAsync(instanceId, async instance =>
    {
        if (InstanceIds.Fault(instanceId, _options) is not null)
        {
            return Creation.InvalidId;
        }

        try
        {
            var old = instance.State?.Metadata ?? await _store.ReadMetadataAsync(instanceId, _stopping);
            if (old is not null)
            {
                if (!InstanceState.IsTerminal((OrchestrationStatus)old.Status))
                {
                    WakeIfUnknown(instanceId);
                }

                if (creationKey.Length > 0 && old.CreationKey == creationKey)
                {
                    return Creation.Repeated;
                }

                if (!InstanceState.IsTerminal((OrchestrationStatus)old.Status))
                {
                    return Creation.StillActive;
                }

                if (unusedId)
                {
                    return Creation.Exists;
                }

                if (old.OpenChildren > 0 && await AnyChildActiveAsync(instance))
                {
                    return Creation.ChildrenActive;
                }
            }

            var now = Now;
            var metadata = new InstanceMetadata
            {
                Generation = (old?.Generation ?? 0) + 1,
                // Never a row that the old instance had: a late reader of those finds nothing.
                InboxStart = old is null ? 0 : old.InboxStart + old.InboxLength,
                Status = (int)OrchestrationStatus.Pending,
                Name = start.Name,
                Version = start.Version ?? "",
                ExecutionId = start.WorkflowInstance.ExecutionId,
                CreatedAt = Timestamp.FromDateTimeOffset(now),
                LastUpdatedAt = Timestamp.FromDateTimeOffset(now),
                ScheduledStart = start.ScheduledStartTimestamp,
                ParentInstanceId = start.ParentInstance?.WorkflowInstance?.InstanceId ?? "",
                ParentAppId = start.ParentInstance?.AppID ?? "",
                CreationKey = creationKey,
                Tags = { start.Tags },
            };
            var started = Events.New(now);
            started.ExecutionStarted = start;
            instance.State = await _store.CreateAsync(instanceId, old, metadata, started, _stopping);
            SetActive(instanceId, true);
            _metrics.Created();
            Arm(instance, instance.State);
            MarkReady(instance);
            return Creation.Created;
        }
        catch (Exception exception) when (!IsStopping(exception))
        {
            throw Failed(instance, exception);
        }
    });

    /// <summary>
    /// What the turn tells other instances, before it is committed: terminated children hear of their termination, and
    /// instances nobody would create later are created. A repetition is recognised by its target,
    /// except of events that a workflow sends by sendEvent, which may then arrive twice.
    /// </summary>
    private async Task SendAsync(string instanceId, InstanceMetadata metadata, TurnOutcome outcome)
    {
        foreach (var (appId, actionId, action) in outcome.Detached)
        {
            var start = new ExecutionStartedEvent
            {
                Name = action.Name,
                Version = action.Version,
                Input = action.Input,
                WorkflowInstance = new WorkflowInstance { InstanceId = action.InstanceId, ExecutionId = action.ExecutionId ?? NewExecutionId() },
                ScheduledStartTimestamp = action.ScheduledStartTimestamp,
                ParentTraceContext = action.ParentTraceContext,
                Tags = { action.Tags },
            };
            // Without the app the turn waits: nobody else would create the instance.
            var peer = Peer(appId) ?? throw new InvalidOperationException($"app '{appId}' is not in this run");
            await peer.CreateAsync(action.InstanceId, start, CreationKey(instanceId, metadata, actionId));
        }

        if (outcome.Completed is not null)
        {
            // An ended instance is not looked at again, so its last children cannot wait for its commit.
            foreach (var child in outcome.Children)
            {
                if (Peer(Events.TargetApp(child, _appId)) is { } peer)
                {
                    await peer.CreateChildAsync(_appId, instanceId, metadata, child);
                }
            }
        }

        foreach (var message in outcome.Messages)
        {
            if (Peer(message.AppId) is { } peer)
            {
                await peer.DeliverAsync(message.InstanceId, new PendingEvent(message.Event, PendingKind.Message, message.ExecutionId));
            }
        }
    }

    /// <summary>Creates the children of the history that do not exist and have sent no result. Under the gate of the parent.</summary>
    private async Task EnsureChildrenAsync(Instance instance, InstanceState state)
    {
        var answered = state.Inbox.Select(Events.Resolves).Where(r => r is { Kind: Resolution.Child }).Select(r => r!.Value.Id).ToHashSet();
        var waiting = state.Children.Values.Where(c => !answered.Contains(c.EventId)).ToList();
        if (waiting.Count == 0)
        {
            return;
        }

        var refused = new List<HistoryEvent>();
        foreach (var children in waiting.GroupBy(c => Events.TargetApp(c, _appId)))
        {
            if (Peer(children.Key) is not { } peer)
            {
                AwaitPeer(instance.Id, children.Key);
                continue;
            }

            var found = await peer._store.ReadMetadataAsync([.. children.Select(c => c.ChildWorkflowInstanceCreated.InstanceId)], _stopping);
            foreach (var (child, known) in children.Zip(found))
            {
                var runs = known is not null && !InstanceState.IsTerminal((OrchestrationStatus)known.Status);
                if (runs)
                {
                    peer.WakeIfUnknown(child.ChildWorkflowInstanceCreated.InstanceId);
                }

                if (known is not null && known.CreationKey == CreationKey(instance.Id, state.Metadata, child.EventId))
                {
                    continue;
                }

                // Only an id that is free or ended is worth its gate; so no instance waits for the gate of one that may wait for it.
                if (runs
                    || (peer == this && child.ChildWorkflowInstanceCreated.InstanceId == instance.Id)
                    || await peer.CreateChildAsync(_appId, instance.Id, state.Metadata, child) is Creation.StillActive or Creation.ChildrenActive or Creation.InvalidId)
                {
                    refused.Add(Events.ChildFailed(Now, child.EventId, new TaskFailureDetails
                    {
                        ErrorType = "WorkflowInstanceAlreadyExists",
                        ErrorMessage = $"The id '{child.ChildWorkflowInstanceCreated.InstanceId}' is malformed, or a workflow that has not ended has it",
                        IsNonRetriable = true,
                    }));
                }
            }
        }

        if (refused.Count > 0)
        {
            await _store.AppendInboxAsync(state, refused, Now, _stopping);
        }
    }

    /// <summary>The engine of an app of this process, this one for its own; null when there is none.</summary>
    private InstanceRunner? Peer(string appId) => appId == _appId ? this : _peers(appId);

    /// <summary>An activity or a child of the instance is for an app that is not in this run; it may come, as in Dapr.</summary>
    private void AwaitPeer(string instanceId, string appId)
    {
        if (_missingApps.TryAdd(appId, 0))
        {
            LogAppMissing(appId, instanceId);
        }

        _timers.Add(new TimerEntry("\0peer", instanceId, Now + _options.MaxStoreRetryDelay, () => GuardAsync(instanceId, async instance =>
        {
            if (await LoadAsync(instance) is { HasEnded: false } state)
            {
                Arm(instance, state);
                await EnsureChildrenAsync(instance, state);
                MarkReady(instance);
            }
        })));
    }

    private Task<Creation> CreateChildAsync(string parentAppId, string parentId, InstanceMetadata parent, HistoryEvent created)
    {
        var child = created.ChildWorkflowInstanceCreated;
        var start = new ExecutionStartedEvent
        {
            Name = child.Name,
            Version = child.Version,
            Input = child.Input,
            WorkflowInstance = new WorkflowInstance { InstanceId = child.InstanceId, ExecutionId = NewExecutionId() },
            ParentTraceContext = child.ParentTraceContext,
            ParentInstance = new ParentInstanceInfo
            {
                TaskScheduledId = created.EventId,
                Name = parent.Name,
                WorkflowInstance = new WorkflowInstance { InstanceId = parentId, ExecutionId = parent.ExecutionId },
                AppID = parentAppId,
            },
        };
        return CreateAsync(child.InstanceId, start, CreationKey(parentId, parent, created.EventId));
    }

    private static string CreationKey(string instanceId, InstanceMetadata metadata, int actionId) =>
        string.Create(CultureInfo.InvariantCulture, $"{instanceId}/{metadata.ExecutionId}/{actionId}");

    private static string NewExecutionId() => Guid.NewGuid().ToString();

    private async Task<bool> AnyChildActiveAsync(Instance instance)
    {
        var state = await LoadAsync(instance);
        foreach (var child in state!.Children.Values)
        {
            if (Peer(Events.TargetApp(child, _appId)) is { } peer
                && await peer._store.ReadMetadataAsync(child.ChildWorkflowInstanceCreated.InstanceId, _stopping) is { } metadata
                && metadata.ParentInstanceId == instance.Id
                && !InstanceState.IsTerminal((OrchestrationStatus)metadata.Status))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Queues what the instance waits for; what is queued already stays as it is. Under the gate.</summary>
    private void Arm(Instance instance, InstanceState state)
    {
        var answered = state.Inbox.Concat(instance.Held.Select(p => p.Event)).Select(Events.Resolves).ToHashSet();
        foreach (var task in state.Tasks.Values.Where(t => !answered.Contains((Resolution.Task, t.EventId))))
        {
            ArmTask(instance, state.ExecutionId, task);
        }

        foreach (var timer in state.Timers.Values.Where(t => !answered.Contains((Resolution.Timer, t.EventId))))
        {
            ArmTimer(instance.Id, state.ExecutionId, timer);
        }

        if (state.Started is null && state.Metadata.ScheduledStart is { } start && start.ToDateTimeOffset() > Now)
        {
            _timers.Add(new TimerEntry(instance.Id, "start", start.ToDateTimeOffset(), () => GuardAsync(instance.Id, WakeAsync)));
        }
    }

    /// <summary>Queues an activity for the workers of its app. Under the gate.</summary>
    private void ArmTask(Instance instance, string executionId, HistoryEvent task)
    {
        var appId = Events.TargetApp(task, _appId);
        if (Peer(appId) is { } peer)
        {
            peer.Dispatcher.EnqueueActivity(new ActivityItem(this, instance.Id, executionId, task.EventId, task.TaskScheduled.Name));
        }
        else
        {
            AwaitPeer(instance.Id, appId);
        }
    }

    /// <summary>Loads the instance and queues it when it has something to deliver.</summary>
    public async Task WakeAsync(Instance instance)
    {
        await LoadAsync(instance);
        MarkReady(instance);
    }

    /// <summary>Tries stalled instances again; called when a stream opens.</summary>
    public async Task RetryStalledAsync()
    {
        Interlocked.Increment(ref _streamsOpened);
        foreach (var instanceId in StalledInstances.Keys)
        {
            StalledInstances.TryRemove(instanceId, out _);
            await GuardAsync(instanceId, WakeAsync);
        }
    }

    private void ArmTimer(string instanceId, string executionId, HistoryEvent timer)
    {
        var fireAt = timer.TimerCreated.FireAt;
        if (fireAt.Seconds >= NeverSeconds)
        {
            return;
        }

        _timers.Add(new TimerEntry(
            instanceId,
            string.Create(CultureInfo.InvariantCulture, $"{executionId}/{timer.EventId}"),
            fireAt.Seconds < 0 ? DateTimeOffset.UnixEpoch : fireAt.ToDateTimeOffset(),
            async () =>
            {
                try
                {
                    var instance = _table.Acquire(instanceId);
                    try
                    {
                        instance.Incoming.Enqueue(new PendingEvent(Events.TimerFired(Now, timer), PendingKind.Derived, executionId));
                        await GuardAsync(instanceId, DrainAsync);
                    }
                    finally
                    {
                        _table.Release(instance);
                    }
                }
                catch (OperationCanceledException)
                {
                    // The engine stops; the timer follows from the history.
                }
            }));
    }

    public async Task<ActivityRequest?> ReadActivityAsync(ActivityItem item)
    {
        ActivityRequest? request = null;
        await GuardAsync(item.InstanceId, async instance =>
        {
            if (await LoadAsync(instance) is { HasEnded: false } state && state.ExecutionId == item.ExecutionId && state.Tasks.TryGetValue(item.TaskId, out var task))
            {
                var scheduled = task.TaskScheduled;
                request = new ActivityRequest
                {
                    Name = scheduled.Name,
                    Version = scheduled.Version,
                    Input = scheduled.Input,
                    WorkflowInstance = new WorkflowInstance { InstanceId = item.InstanceId, ExecutionId = item.ExecutionId },
                    TaskId = item.TaskId,
                    TaskExecutionId = scheduled.TaskExecutionId,
                    ParentTraceContext = scheduled.ParentTraceContext,
                };
            }
        });
        return request;
    }

    public Task DeliverResultAsync(ActivityItem item, HistoryEvent result) =>
        DeliverAsync(item.InstanceId, new PendingEvent(result, PendingKind.Result, item.ExecutionId));

    /// <summary>Takes an activity's result. Returns when it is durable or unwanted.</summary>
    public async Task CompleteActivityAsync(ActivityResponse response)
    {
        var item = Dispatcher.TakeActivity(response.InstanceId, response.TaskId, response.CompletionToken)
            ?? throw new WorkflowException(
                WorkflowError.NotFound, $"workflow '{response.InstanceId}' has no activity {response.TaskId} in flight with this completion token");
        try
        {
            if (!item.Orphaned)
            {
                var result = Events.ActivityResult(Now, response, item.TaskExecutionId);
                await item.Source.DeliverResultAsync(item, result);
            }
        }
        finally
        {
            Dispatcher.Forget(item);
        }
    }

    [LoggerMessage(6024, LogLevel.Warning, "App {TargetAppId} is not in this run or has no workflow store; workflow {InstanceId} waits for it")]
    private partial void LogAppMissing(string targetAppId, string instanceId);
}
