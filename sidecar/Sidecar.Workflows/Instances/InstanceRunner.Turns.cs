using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Logging;
using Sidecar.Workflows.Dispatch;
using Sidecar.Workflows.State;
using Sidecar.Workflows.Storage;
using Tandem.Protocol.Workflows;

namespace Sidecar.Workflows.Instances;

/// <content>The cycle of a turn: begin, complete or abort.</content>
internal sealed partial class InstanceRunner
{
    public async Task<(Turn Turn, WorkflowRequest Request)?> BeginTurnAsync(string instanceId)
    {
        (Turn, WorkflowRequest)? begun = null;
        await GuardAsync(instanceId, async instance =>
        {
            if (instance.Phase != TurnPhase.Ready)
            {
                return;
            }

            // Idle until the turn exists: a failure below must not leave an instance ready that no queue holds.
            instance.Phase = TurnPhase.Idle;
            if (await LoadAsync(instance) is not { HasEnded: false } state || IsTooEarly(state))
            {
                return;
            }

            if (Events.IsTerminated(state.Inbox))
            {
                BeginTermination(instance, state);
                return;
            }

            var held = instance.Held.ToList();
            var events = state.Deliverable([.. state.Inbox, .. held.Where(p => p.ExecutionId is null || p.ExecutionId == state.ExecutionId).Select(p => p.Event)]);
            foreach (var pending in held.Where(p => !events.Contains(p.Event)).ToList())
            {
                held.Remove(pending);
                Unhold(instance, pending, Delivery.Dropped);
            }

            if (events.Count == 0)
            {
                return;
            }

            events.Insert(0, Events.WorkflowStarted(Now));
            var turn = new Turn(instance, Guid.NewGuid().ToString("N"), state, events, held) { StreamsOpened = Volatile.Read(ref _streamsOpened) };
            var request = new WorkflowRequest { InstanceId = instanceId, ExecutionId = state.ExecutionId };
            request.PastEvents.AddRange(state.History);
            request.NewEvents.AddRange(events);
            instance.Turn = turn;
            instance.Phase = TurnPhase.InFlight;
            begun = (turn, request);
        });
        return begun;
    }

    /// <summary>
    /// Ends a terminated instance with a turn of the engine's own (grpc §5.6: what the worker would answer is forced anyway). So
    /// it ends without a worker, and whatever a worker does with a turn or an activity that it has. Under the gate.
    /// </summary>
    private void BeginTermination(Instance instance, InstanceState state)
    {
        Withdraw(instance);
        DropHeld(instance);
        StalledInstances.TryRemove(instance.Id, out _);
        var events = state.Deliverable(state.Inbox);
        events.Insert(0, Events.WorkflowStarted(Now));
        var turn = new Turn(instance, token: "", state, events, held: []) { StreamsOpened = 0 };
        instance.Turn = turn;
        instance.Phase = TurnPhase.Committing;
        _ = Task.Run(async () =>
        {
            try
            {
                await CompleteTurnAsync(instance.Id, turn, before => TurnRules.Terminate(before, turn.NewEvents, _appId, Now));
            }
            catch (Exception exception) when (exception is WorkflowException or OperationCanceledException)
            {
                // Purged meanwhile, or a failure of the store, which has scheduled a retry.
            }
        });
    }

    /// <summary>Takes back a turn whose worker is gone: results held in memory become durable, the instance is ready again.</summary>
    public Task AbortTurnAsync(Turn turn) => GuardAsync(turn.Instance.Id, async instance =>
    {
        if (!ReferenceEquals(instance.Turn, turn))
        {
            return;
        }

        instance.Turn = null;
        instance.Phase = TurnPhase.Idle;
        await FlushAsync(instance);
        await LoadAsync(instance);
        MarkReady(instance);
    });

    /// <summary>Carries out a worker's response. Returns when the turn is durable; throws when it is not.</summary>
    public async Task CompleteTurnAsync(WorkflowResponse response)
    {
        var turn = Dispatcher.TakeTurn(response.InstanceId, response.CompletionToken)
            ?? throw new WorkflowException(WorkflowError.NotFound, $"workflow '{response.InstanceId}' has no turn in flight with this completion token");
        FormatException? nonsense = null;
        await CompleteTurnAsync(response.InstanceId, turn, state =>
        {
            try
            {
                return TurnRules.Apply(state, turn.NewEvents, response, _appId, Now);
            }
            catch (FormatException exception)
            {
                nonsense = exception;
                return TurnRules.Fail(state, turn.NewEvents, exception.Message, _appId, Now);
            }
        });
        if (nonsense is not null)
        {
            LogNonsense(nonsense, response.InstanceId);
            throw new WorkflowException(WorkflowError.InvalidArgument, $"the workflow '{response.InstanceId}' has failed: {nonsense.Message}", nonsense);
        }
    }

    private async Task CompleteTurnAsync(string instanceId, Turn turn, Func<InstanceState, TurnOutcome> judge)
    {
        var instance = _table.Acquire(instanceId);
        try
        {
            await CompleteTurnAsync(instance, turn, judge);
        }
        finally
        {
            _table.Release(instance);
        }
    }

    private async Task CompleteTurnAsync(Instance instance, Turn turn, Func<InstanceState, TurnOutcome> judge)
    {
        // 1. Judge the response.
        TurnOutcome? outcome = null;
        InstanceMetadata? before = null;
        await InGateAsync(instance, turn, async () =>
        {
            var state = await LoadAsync(instance);
            if (!turn.StillFits(state))
            {
                throw new InvalidOperationException("the instance has moved on");
            }

            instance.Phase = TurnPhase.Committing;
            before = state!.Metadata;
            outcome = judge(state);
        });

        // 2. Tell others first: if the process dies now, the turn runs again and they know the message already. The gate
        // is free, because two instances may be writing to each other.
        try
        {
            await SendAsync(instance.Id, before!, outcome!);
        }
        catch (Exception exception) when (!IsStopping(exception))
        {
            await InGateAsync(instance, turn, () => throw exception);
        }

        // 3. Commit.
        await InGateAsync(instance, turn, async () =>
        {
            var state = await LoadAsync(instance);
            if (!turn.StillFits(state))
            {
                throw new InvalidOperationException("the instance has moved on");
            }

            await CommitAsync(instance, state!, turn, outcome!);
        });

        if (outcome!.ParentNotice is { } notice)
        {
            // Not before: a parent that knows may at once want the id for another child.
            await TellParentAsync(instance.Id, before!.Generation, notice);
        }

        // 4. Create the children; a crash before is made good at the next load.
        if (outcome.Children.Count > 0 && outcome.Completed is null)
        {
            await GuardAsync(instance.Id, i => i.State is { HasEnded: false } state ? EnsureChildrenAsync(i, state) : Task.CompletedTask);
        }

        // 5. Next turn. What has ended has none, and is not read again to see that, unless its id has gone to another since.
        await GuardAsync(instance.Id, async i =>
        {
            i.Phase = TurnPhase.Idle;
            i.Turn = null;
            if ((outcome.Completed is null || i.State is not null) && await LoadAsync(i) is not null)
            {
                MarkReady(i);
            }
        });
    }

    /// <summary>Runs a step of a turn under the gate; a failure ends the turn and lets it be tried again later.</summary>
    private async Task InGateAsync(Instance instance, Turn turn, Func<Task> step)
    {
        await instance.Gate.WaitAsync(_stopping);
        try
        {
            if (!ReferenceEquals(instance.Turn, turn))
            {
                throw new WorkflowException(WorkflowError.NotFound, $"the turn of workflow '{instance.Id}' is not in flight any more");
            }

            await step();
        }
        catch (Exception exception) when (!IsStopping(exception) && exception is not WorkflowException { Error: WorkflowError.NotFound })
        {
            instance.Turn = null;
            instance.Phase = TurnPhase.Idle;
            throw Failed(instance, exception);
        }
        finally
        {
            instance.Gate.Release();
        }
    }

    private async Task CommitAsync(Instance instance, InstanceState state, Turn turn, TurnOutcome outcome)
    {
        var now = Now;
        var next = state.Metadata.Clone();
        next.LastUpdatedAt = Timestamp.FromDateTimeOffset(now);
        if (outcome.Stalled is { } stalled)
        {
            next.Status = (int)OrchestrationStatus.Stalled;
            // Told once, however many workers lack it.
            if (state.History is not [.., { ExecutionStalled: { } told }] || !told.Equals(stalled))
            {
                var e = Events.New(now);
                e.ExecutionStalled = stalled;
                outcome.Events.Add(e);
            }

            outcome.CustomStatus = state.CustomStatus;
            await _store.CommitTurnAsync(state, next, outcome, consumed: 0, _stopping);
            await FlushAsync(instance);
            LogStalled(instance.Id, stalled.Description);
            StalledInstances.TryAdd(instance.Id, 0);
            if (turn.StreamsOpened != Volatile.Read(ref _streamsOpened))
            {
                // A stream opened meanwhile and has not seen it among the stalled ones: the next turn tells.
                StalledInstances.TryRemove(instance.Id, out _);
            }

            Offer(instance, next);
            return;
        }

        next.StartedAt ??= next.LastUpdatedAt;
        if (outcome.NextExecution is { } first)
        {
            next.Generation++;
            next.ExecutionId = first[0].ExecutionStarted.WorkflowInstance.ExecutionId;
            next.ScheduledStart = null;
            next.Status = (int)OrchestrationStatus.Running;
            // What resolves the old execution's tasks means nothing to the new one.
            var later = state.Inbox.Skip(turn.Consumed).Where(e => Events.Resolves(e) is null).ToList();
            await _store.CommitContinueAsNewAsync(state, next, outcome, later, _stopping);
            _timers.RemoveAll(instance.Id);
        }
        else
        {
            next.Status = (int)StatusAfter(state, outcome);
            if (outcome.Completed is not null)
            {
                next.CompletedAt = next.LastUpdatedAt;
                next.OpenChildren = (uint)OpenChildren(state, outcome);
                next.ParentUntold = outcome.ParentNotice is not null;
            }

            await _store.CommitTurnAsync(state, next, outcome, turn.Consumed, _stopping);
        }

        instance.Failures = 0;
        turn.Held.ForEach(p => Unhold(instance, p, Delivery.Stored));
        foreach (var task in outcome.Tasks)
        {
            ArmTask(instance, state.ExecutionId, task);
        }

        if (state.HasEnded || outcome.NextExecution is not null)
        {
            DropHeld(instance);
        }

        if (state.HasEnded)
        {
            _timers.RemoveAll(instance.Id);
            instance.State = null;
            SetActive(instance.Id, false);
            _metrics.Ended(state.Status.ToString());
            ArmRemoval(instance.Id, next);
        }
        else
        {
            outcome.Timers.ForEach(timer => ArmTimer(instance.Id, state.ExecutionId, timer));
        }

        Offer(instance, next);
    }

    private static OrchestrationStatus StatusAfter(InstanceState state, TurnOutcome outcome)
    {
        if (outcome.Completed is { } completed)
        {
            return completed.ExecutionCompleted.WorkflowStatus;
        }

        var suspended = state.IsSuspended;
        foreach (var e in outcome.Events)
        {
            suspended = e.EventTypeCase switch
            {
                HistoryEvent.EventTypeOneofCase.ExecutionSuspended => true,
                HistoryEvent.EventTypeOneofCase.ExecutionResumed => false,
                _ => suspended,
            };
        }

        return suspended ? OrchestrationStatus.Suspended : OrchestrationStatus.Running;
    }

    private static int OpenChildren(InstanceState state, TurnOutcome outcome) =>
        state.Children.Count + outcome.Children.Count - outcome.Events.Count(e => Events.Resolves(e) is { Kind: Resolution.Child });

    [LoggerMessage(6022, LogLevel.Error, "Workflow {InstanceId} has failed: its worker's answer makes no sense")]
    private partial void LogNonsense(Exception exception, string instanceId);

    [LoggerMessage(6021, LogLevel.Warning, "Workflow {InstanceId} is stalled until another worker connects: {Reason}")]
    private partial void LogStalled(string instanceId, string reason);
}
