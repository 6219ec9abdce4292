using Google.Protobuf.WellKnownTypes;
using Sidecar.Workflows.State;
using Sidecar.Workflows.Storage;
using Tandem.Protocol.Workflows;

namespace Sidecar.Workflows.Instances;

/// <content>Reruns (grpc §5.7).</content>
internal sealed partial class InstanceRunner
{
    /// <summary>The history of a rerun of an instance. Under no gate but that of the source.</summary>
    public Task<List<HistoryEvent>> ForkAsync(RerunWorkflowFromEventRequest request, WorkflowInstance instance) =>
        WithInstanceAsync(request.SourceInstanceID, async source =>
        {
            var state = await LoadAsync(source) ?? throw WorkflowException.NoSuchInstance(request.SourceInstanceID);
            return !state.HasEnded ? throw new WorkflowException(WorkflowError.InvalidArgument, $"'{source.Id}' is not in a terminal state")
                : state.Metadata.ParentInstanceId.Length > 0
                    ? throw new WorkflowException(WorkflowError.InvalidArgument, $"'{source.Id}': cannot rerun from child-workflows")
                : Fork.Build(state, request, instance, Now);
        });

    /// <summary>Creates an instance that goes on from a history; false when the id is in use.</summary>
    public Task<bool> CreateForkAsync(string instanceId, IReadOnlyList<HistoryEvent> history) => WithInstanceAsync(instanceId, async instance =>
    {
        try
        {
            if (instance.State is not null || await _store.ReadMetadataAsync(instanceId, _stopping) is not null)
            {
                return false;
            }

            var now = Timestamp.FromDateTimeOffset(Now);
            var start = history.First(e => e.EventTypeCase == HistoryEvent.EventTypeOneofCase.ExecutionStarted).ExecutionStarted;
            var state = await _store.CreateWithHistoryAsync(
                instanceId,
                new InstanceMetadata
                {
                    Generation = 1,
                    Status = (int)OrchestrationStatus.Running,
                    Name = start.Name,
                    Version = start.Version ?? "",
                    ExecutionId = start.WorkflowInstance.ExecutionId,
                    CreatedAt = now,
                    StartedAt = now,
                    LastUpdatedAt = now,
                    Tags = { start.Tags },
                },
                history,
                _stopping);
            instance.State = state;
            SetActive(instanceId, true);
            _metrics.Created();
            Arm(instance, state);
            await EnsureChildrenAsync(instance, state);
            MarkReady(instance);
            return true;
        }
        catch (Exception exception) when (!IsStopping(exception))
        {
            throw Failed(instance, exception);
        }
    });
}
