using Sidecar.Workflows.Instances;
using Sidecar.Workflows.State;
using Sidecar.Workflows.Storage;
using Tandem.Protocol.Workflows;
using EventKind = Tandem.Protocol.Workflows.HistoryEvent.EventTypeOneofCase;

namespace Sidecar.Workflows;

/// <content>Events, control and removal of instances.</content>
public sealed partial class WorkflowEngine
{
    /// <summary>Raises an external event; durable when it returns. Ended instances ignore it.</summary>
    public async Task RaiseEventAsync(string instanceId, string name, string? input, CancellationToken cancellationToken)
    {
        if (name.Length == 0)
        {
            throw new WorkflowException(WorkflowError.InvalidArgument, "the event name is missing");
        }

        await DeliverAsync(instanceId, Events.EventRaised(_time.GetUtcNow(), name, input), cancellationToken);
    }

    /// <summary>
    /// Ends a workflow, and with <paramref name="recursive"/> its children, those of an ended workflow too. Returns when
    /// it has ended; that needs no worker, and waits for none.
    /// </summary>
    public async Task TerminateAsync(string instanceId, string? output, bool recursive, CancellationToken cancellationToken)
    {
        var delivery = await DeliverAsync(instanceId, Events.Terminated(_time.GetUtcNow(), output, recursive), cancellationToken);
        if (delivery == Delivery.Dropped)
        {
            if (recursive)
            {
                foreach (var (engine, child) in await ChildrenAsync(instanceId, cancellationToken))
                {
                    await engine._runner.DeliverAsync(child, new PendingEvent(Events.Terminated(_time.GetUtcNow(), output, recurse: true), PendingKind.Message));
                }
            }

            return;
        }

        await WaitForAsync(instanceId, m => InstanceState.IsTerminal((OrchestrationStatus)m.Status), cancellationToken);
    }

    /// <summary>Suspends a workflow; returns when it is suspended or has ended, without a worker when the wish is durable.</summary>
    public async Task SuspendAsync(string instanceId, string? reason, CancellationToken cancellationToken)
    {
        var e = Events.New(_time.GetUtcNow());
        e.ExecutionSuspended = new ExecutionSuspendedEvent { Input = reason };
        await DeliverAsync(instanceId, e, cancellationToken);
        await WaitIfServedAsync(
            instanceId,
            m => m.Status == (int)OrchestrationStatus.Suspended || InstanceState.IsTerminal((OrchestrationStatus)m.Status),
            cancellationToken);
    }

    /// <summary>Resumes a workflow; returns when it runs or has ended, without a worker when the wish is durable.</summary>
    public async Task ResumeAsync(string instanceId, string? reason, CancellationToken cancellationToken)
    {
        var e = Events.New(_time.GetUtcNow());
        e.ExecutionResumed = new ExecutionResumedEvent { Input = reason };
        await DeliverAsync(instanceId, e, cancellationToken);
        await WaitIfServedAsync(instanceId, m => m.Status != (int)OrchestrationStatus.Suspended, cancellationToken);
    }

    /// <summary>
    /// Starts a new instance with the history of an ended one up to an activity, timer or child workflow, which is done again
    /// and with it all that follows (grpc §5.7). Returns the id of the new instance; durable when it returns.
    /// </summary>
    public async Task<string> RerunAsync(RerunWorkflowFromEventRequest request, CancellationToken cancellationToken)
    {
        if (request.SourceInstanceID.Length == 0)
        {
            throw new WorkflowException(WorkflowError.InvalidArgument, "rerun workflow source instance ID is required");
        }

        var instance = new WorkflowInstance
        {
            InstanceId = request.HasNewInstanceID ? request.NewInstanceID : Guid.NewGuid().ToString(),
            ExecutionId = Guid.NewGuid().ToString(),
        };
        CheckId(instance.InstanceId);
        if (instance.InstanceId == request.SourceInstanceID)
        {
            throw new WorkflowException(WorkflowError.InvalidArgument, "rerun workflow instance ID must be different from the original instance ID");
        }

        var history = await WaitAsync(StoreReadAsync(() => _runner.ForkAsync(request, instance)), cancellationToken);
        return await WaitAsync(_runner.CreateForkAsync(instance.InstanceId, history), cancellationToken)
            ? instance.InstanceId
            : throw new WorkflowException(WorkflowError.AlreadyExists, $"workflow '{instance.InstanceId}' has already been created");
    }

    /// <summary>
    /// Removes an ended instance, and with <paramref name="recursive"/> its children; returns how many were removed, 0
    /// when there is none. An instance that has not ended is refused unless <paramref name="force"/>.
    /// </summary>
    public async Task<int> PurgeAsync(string instanceId, bool recursive, bool force, CancellationToken cancellationToken)
    {
        var count = 0;
        if (recursive)
        {
            await CheckPurgeAsync(instanceId, force, cancellationToken);
            foreach (var (engine, child) in await ChildrenOrNoneAsync(instanceId, force, cancellationToken))
            {
                count += await engine.PurgeAsync(child, recursive, force, cancellationToken);
            }
        }

        await WaitAsync(_runner.TellParentAsync(instanceId), cancellationToken);
        return count + await WaitAsync(_runner.PurgeAsync(instanceId, force), cancellationToken);
    }

    private async Task CheckPurgeAsync(string instanceId, bool force, CancellationToken cancellationToken)
    {
        if (await GetInstanceAsync(instanceId, payloads: false, cancellationToken) is { } state && !force && !InstanceState.IsTerminal(state.WorkflowStatus))
        {
            throw InstanceRunner.NotEnded(instanceId);
        }
    }

    /// <summary>
    /// Removes all ended instances that were created in a time and have one of the statuses, with <paramref name="force"/>
    /// also those that have not ended; returns how many were removed. (daprd refuses a filter.)
    /// </summary>
    public async Task<int> PurgeAsync(PurgeInstanceFilter filter, bool recursive, bool force, CancellationToken cancellationToken)
    {
        var count = 0;
        await foreach (var (instanceId, found) in _store.ListAsync(cancellationToken))
        {
            if (!Matches(found))
            {
                continue;
            }

            try
            {
                count += recursive
                    ? await PurgeAsync(instanceId, recursive, force, cancellationToken)
                    : await WaitAsync(_runner.PurgeAsync(instanceId, force, Matches), cancellationToken);
            }
            catch (WorkflowException exception) when (exception.Error == WorkflowError.FailedPrecondition)
            {
                // It runs again meanwhile, or a child of it does.
            }
        }

        return count;

        bool Matches(InstanceMetadata metadata) =>
            (force || InstanceState.IsTerminal((OrchestrationStatus)metadata.Status))
            && (filter.RuntimeStatus.Count == 0 || filter.RuntimeStatus.Contains((OrchestrationStatus)metadata.Status))
            && (filter.CreatedTimeFrom is null || metadata.CreatedAt >= filter.CreatedTimeFrom)
            && (filter.CreatedTimeTo is null || metadata.CreatedAt <= filter.CreatedTimeTo);
    }

    /// <summary>A history that cannot be read must not save its instance from a forced purge, the last resort.</summary>
    private async Task<List<(WorkflowEngine Engine, string InstanceId)>> ChildrenOrNoneAsync(string instanceId, bool force, CancellationToken cancellationToken)
    {
        try
        {
            return await ChildrenAsync(instanceId, cancellationToken);
        }
        catch (WorkflowException exception) when (force && exception is { Error: WorkflowError.Unavailable, InnerException: not null })
        {
            return [];
        }
    }

    /// <summary>The children of the current execution and their engines; empty when there is no such instance.</summary>
    private Task<List<(WorkflowEngine Engine, string InstanceId)>> ChildrenAsync(string instanceId, CancellationToken cancellationToken) =>
        WaitAsync(_runner.WithInstanceAsync(instanceId, async instance =>
            await StoreReadAsync(() => _runner.LoadAsync(instance)) is not { } state ? [] : state.History
                .Where(e => e.EventTypeCase == EventKind.ChildWorkflowInstanceCreated)
                .Select(e => (Engine: Peer(Events.TargetApp(e, _appId)), e.ChildWorkflowInstanceCreated.InstanceId))
                .Where(child => child.Engine is not null && child != (this, instanceId))
                .Select(child => (child.Engine!, child.InstanceId))
                .Distinct()
                .ToList()), cancellationToken);

    /// <summary>The engine of an app of this process; null when it has none.</summary>
    public WorkflowEngine? Peer(string appId) => appId == _appId ? this : _peers(appId);

    private async Task<Delivery> DeliverAsync(string instanceId, HistoryEvent e, CancellationToken cancellationToken)
    {
        CheckId(instanceId);
        return await WaitAsync(_runner.DeliverAsync(instanceId, new PendingEvent(e, PendingKind.Message)), cancellationToken) switch
        {
            Delivery.NoSuchInstance => throw WorkflowException.NoSuchInstance(instanceId),
            Delivery.Stalled => throw new WorkflowException(WorkflowError.FailedPrecondition, $"the workflow '{instanceId}' is stalled"),
            var delivery => delivery,
        };
    }

    private async Task WaitIfServedAsync(string instanceId, Func<InstanceMetadata, bool> condition, CancellationToken cancellationToken)
    {
        if (_runner.Dispatcher.HasStreams)
        {
            await WaitForAsync(instanceId, condition, cancellationToken);
        }
    }
}
