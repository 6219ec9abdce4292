using Sidecar.Workflows.Storage;
using Sidecar.Workflows.State;
using Tandem.Protocol.Workflows;

namespace Sidecar.Workflows.Instances;

/// <content>Removal.</content>
internal sealed partial class InstanceRunner
{
    public static WorkflowException NotEnded(string instanceId) =>
        new(WorkflowError.FailedPrecondition, $"the workflow '{instanceId}' has not ended and cannot be purged");

    /// <summary>
    /// Removes an instance: 1, or 0 when there is none or, given a time, when it has not ended before it.
    /// </summary>
    public Task<int> PurgeAsync(string instanceId, bool force, DateTimeOffset? endedBefore) => WithInstanceAsync(instanceId, async instance =>
    {
        try
        {
            var metadata = instance.State?.Metadata ?? await _store.ReadMetadataAsync(instanceId, _stopping);
            if (metadata is null)
            {
                return 0;
            }

            var ended = InstanceState.IsTerminal((OrchestrationStatus)metadata.Status);
            if (endedBefore is { } limit && (!ended || metadata.CompletedAt.ToDateTimeOffset() >= limit))
            {
                return 0;
            }

            if (!ended && !force)
            {
                throw NotEnded(instanceId);
            }

            await _store.DeleteAsync(instanceId, metadata, _stopping);
            _timers.RemoveAll(instanceId);
            StalledInstances.TryRemove(instanceId, out _);
            instance.State = null;
            if (instance.Turn is { } turn)
            {
                // Its answer would be refused; taking it frees its place on the stream.
                Dispatcher.TakeTurn(instanceId, turn.Token);
                instance.Turn = null;
            }

            instance.Phase = TurnPhase.Idle;
            instance.Held.ToList().ForEach(p => Unhold(instance, p, Delivery.Dropped));
            SetActive(instanceId, false);
            Offer(instance, null);
            return 1;
        }
        catch (Exception exception) when (!IsStopping(exception) && exception is not WorkflowException)
        {
            throw Failed(instance, exception);
        }
    });
}
