using System.Globalization;
using Sidecar.Workflows.State;
using Sidecar.Workflows.Storage;
using Sidecar.Workflows.Timers;
using Tandem.Protocol.Workflows;

namespace Sidecar.Workflows.Instances;

/// <content>Removal.</content>
internal sealed partial class InstanceRunner
{
    public static WorkflowException NotEnded(string instanceId) =>
        new(WorkflowError.FailedPrecondition, $"the workflow '{instanceId}' has not ended and cannot be purged");

    /// <summary>
    /// Removes an instance: 1, or 0 when there is none or it does not meet the condition.
    /// </summary>
    public Task<int> PurgeAsync(string instanceId, bool force, Predicate<InstanceMetadata>? condition = null) => WithInstanceAsync(instanceId, async instance =>
    {
        try
        {
            var metadata = instance.State?.Metadata ?? await _store.ReadMetadataAsync(instanceId, _stopping);
            if (metadata is null || condition?.Invoke(metadata) == false)
            {
                return 0;
            }

            if (!InstanceState.IsTerminal((OrchestrationStatus)metadata.Status) && !force)
            {
                throw NotEnded(instanceId);
            }

            await _store.DeleteAsync(instanceId, metadata, _stopping);
            _timers.RemoveAll(instanceId);
            StalledInstances.TryRemove(instanceId, out _);
            instance.State = null;
            Withdraw(instance);
            instance.Phase = TurnPhase.Idle;
            DropHeld(instance);
            SetActive(instanceId, false);
            Offer(instance, null);
            return 1;
        }
        catch (Exception exception) when (!IsStopping(exception) && exception is not WorkflowException)
        {
            throw Failed(instance, exception);
        }
    });

    /// <summary>Whether an instance has ended and been kept long enough.</summary>
    public bool IsOutdated(InstanceMetadata metadata) =>
        !metadata.ParentUntold && _options.Retention.For((OrchestrationStatus)metadata.Status) is { } kept && metadata.CompletedAt.ToDateTimeOffset() + kept <= Now;

    /// <summary>Arms the removal of an ended instance, unless it is kept so long that a sweep is near enough.</summary>
    public void ArmRemoval(string instanceId, InstanceMetadata metadata)
    {
        if (!metadata.ParentUntold && _options.Retention.For((OrchestrationStatus)metadata.Status) is { } kept && kept <= _options.RetentionSweepInterval)
        {
            _timers.Add(new TimerEntry(
                RemovalOwner,
                string.Create(CultureInfo.InvariantCulture, $"{instanceId}/{metadata.Generation}"),
                metadata.CompletedAt.ToDateTimeOffset() + kept,
                () => RemoveAsync(instanceId)));
        }
    }

    private const string RemovalOwner = "\0removal";

    private async Task RemoveAsync(string instanceId)
    {
        try
        {
            await PurgeAsync(instanceId, force: false, IsOutdated);
        }
        catch (Exception exception) when (exception is WorkflowException or OperationCanceledException)
        {
            // Logged where it failed; the next sweep tries again.
        }
    }

    /// <summary>Takes a turn away from the worker that has it: its answer is refused, its place on the stream is free. Under the gate.</summary>
    private void Withdraw(Instance instance)
    {
        if (instance.Turn is { } turn)
        {
            turn.Withdrawn = true;
            Dispatcher.TakeTurn(instance.Id, turn.Token);
            instance.Turn = null;
        }
    }

    private void DropHeld(Instance instance) => instance.Held.ToList().ForEach(p => Unhold(instance, p, Delivery.Dropped));
}
