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
    /// it has ended, or, without a connected worker, when the wish is durable.
    /// </summary>
    public async Task TerminateAsync(string instanceId, string? output, bool recursive, CancellationToken cancellationToken)
    {
        var delivery = await DeliverAsync(instanceId, Events.Terminated(_time.GetUtcNow(), output, recursive), cancellationToken);
        if (delivery == Delivery.Dropped)
        {
            if (recursive)
            {
                foreach (var child in await ChildrenAsync(instanceId, cancellationToken))
                {
                    await _runner.DeliverAsync(child, new PendingEvent(Events.Terminated(_time.GetUtcNow(), output, recurse: true), PendingKind.Message));
                }
            }

            return;
        }

        await WaitIfServedAsync(instanceId, m => InstanceState.IsTerminal((OrchestrationStatus)m.Status), cancellationToken);
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
    /// Removes an ended instance, and with <paramref name="recursive"/> its children; returns how many were removed, 0
    /// when there is none. An instance that has not ended is refused unless <paramref name="force"/>.
    /// </summary>
    public async Task<int> PurgeAsync(string instanceId, bool recursive, bool force, CancellationToken cancellationToken)
    {
        var count = 0;
        if (recursive)
        {
            await CheckPurgeAsync(instanceId, force, cancellationToken);
            foreach (var child in await ChildrenAsync(instanceId, cancellationToken))
            {
                count += await PurgeAsync(child, recursive, force, cancellationToken);
            }
        }

        return count + await WaitAsync(_runner.PurgeAsync(instanceId, force, endedBefore: null), cancellationToken);
    }

    private async Task CheckPurgeAsync(string instanceId, bool force, CancellationToken cancellationToken)
    {
        if (await GetInstanceAsync(instanceId, payloads: false, cancellationToken) is { } state && !force && !InstanceState.IsTerminal(state.WorkflowStatus))
        {
            throw InstanceRunner.NotEnded(instanceId);
        }
    }

    private Task<int> PurgeEndedAsync(string instanceId, DateTimeOffset endedBefore) => _runner.PurgeAsync(instanceId, force: false, endedBefore);

    /// <summary>Ids of the children of the current execution; empty when there is no such instance.</summary>
    private Task<List<string>> ChildrenAsync(string instanceId, CancellationToken cancellationToken) =>
        WaitAsync(_runner.WithInstanceAsync(instanceId, async instance =>
            await StoreReadAsync(() => _runner.LoadAsync(instance)) is not { } state ? [] : state.History
                .Where(e => e.EventTypeCase == EventKind.ChildWorkflowInstanceCreated)
                .Select(e => e.ChildWorkflowInstanceCreated.InstanceId)
                .Where(id => id != instanceId)
                .Distinct()
                .ToList()), cancellationToken);

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
