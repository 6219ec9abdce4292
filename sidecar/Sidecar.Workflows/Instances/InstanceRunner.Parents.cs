using Microsoft.Extensions.Logging;
using Sidecar.Workflows.State;
using Sidecar.Workflows.Timers;

namespace Sidecar.Workflows.Instances;

/// <content>
/// Parents learn of the end of their children. The end is committed first, with a mark that the parent may not know; the mark
/// goes when the event is in the parent's inbox or unwanted. Whoever finds the mark, after a restart too, tells the parent.
/// </content>
internal sealed partial class InstanceRunner
{
    /// <summary>Tells the parent of an ended instance, if it may not know.</summary>
    public async Task TellParentAsync(string instanceId)
    {
        try
        {
            var (notice, generation) = await WithInstanceAsync(instanceId, async instance =>
                await LoadAsync(instance) is { HasEnded: true, Metadata.ParentUntold: true, Started: { } started } state
                    ? (TurnRules.ParentNotice(started.ExecutionStarted, state.Completed, _appId, Now), state.Metadata.Generation)
                    : default);
            if (notice is not null)
            {
                await TellParentAsync(instanceId, generation, notice);
            }
        }
        catch (Exception exception) when (!IsStopping(exception))
        {
            TellParentLater(instanceId, exception);
        }
        catch (OperationCanceledException)
        {
            // The engine stops; the mark stays.
        }
    }

    /// <summary>Under no gate: the parent may be waiting for that of the child.</summary>
    private async Task TellParentAsync(string instanceId, ulong generation, OutgoingEvent notice)
    {
        try
        {
            var peer = Peer(notice.AppId) ?? throw new InvalidOperationException($"app '{notice.AppId}' is not in this run");
            await peer.DeliverAsync(notice.InstanceId, new PendingEvent(notice.Event, PendingKind.Message, notice.ExecutionId));
            await WithInstanceAsync(instanceId, async instance =>
            {
                instance.State = instance.State is { HasEnded: true } ? null : instance.State;
                if (instance.State is null
                    && await _store.ReadMetadataAsync(instanceId, _stopping) is { ParentUntold: true } metadata
                    && metadata.Generation == generation)
                {
                    var next = metadata.Clone();
                    next.ParentUntold = false;
                    await _store.UpdateAsync(instanceId, metadata, next, _stopping);
                    ArmRemoval(instanceId, next);
                }

                return true;
            });
        }
        catch (Exception exception) when (!IsStopping(exception))
        {
            TellParentLater(instanceId, exception);
        }
    }

    private void TellParentLater(string instanceId, Exception exception)
    {
        LogParentUntold(exception, instanceId, _options.MaxStoreRetryDelay);
        TellParentAfter(instanceId, _options.MaxStoreRetryDelay);
    }

    private void TellParentAfter(string instanceId, TimeSpan delay) =>
        _timers.Add(new TimerEntry("\0parent", instanceId, Now + delay, () => TellParentAsync(instanceId)));

    [LoggerMessage(6023, LogLevel.Warning, "The parent of workflow {InstanceId} could not be told of its end; next attempt in {Delay}")]
    private partial void LogParentUntold(Exception exception, string instanceId, TimeSpan delay);
}
