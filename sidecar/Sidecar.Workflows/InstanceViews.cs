using Sidecar.Workflows.State;
using Sidecar.Workflows.Storage;
using Tandem.Protocol.Workflows;
using EventKind = Tandem.Protocol.Workflows.HistoryEvent.EventTypeOneofCase;

namespace Sidecar.Workflows;

/// <summary>Instances as callers see them.</summary>
internal static class InstanceViews
{
    public static WorkflowState ToWorkflowState(string instanceId, InstanceMetadata metadata) => new()
    {
        InstanceId = instanceId,
        Name = metadata.Name,
        Version = NullIfEmpty(metadata.Version),
        WorkflowStatus = (OrchestrationStatus)metadata.Status,
        ScheduledStartTimestamp = metadata.ScheduledStart,
        CreatedTimestamp = metadata.CreatedAt,
        LastUpdatedTimestamp = metadata.LastUpdatedAt,
        CompletedTimestamp = metadata.CompletedAt,
        StartedAt = metadata.StartedAt,
        ExecutionId = metadata.ExecutionId,
        ParentInstanceId = NullIfEmpty(metadata.ParentInstanceId),
        ParentAppId = NullIfEmpty(metadata.ParentAppId),
        Tags = { metadata.Tags },
    };

    public static WorkflowState ToWorkflowState(InstanceState state)
    {
        var view = ToWorkflowState(state.InstanceId, state.Metadata);
        view.Input = (state.Started ?? state.Inbox.Find(e => e.EventTypeCase == EventKind.ExecutionStarted))?.ExecutionStarted.Input;
        view.CustomStatus = state.CustomStatus;
        view.Output = state.Completed?.ExecutionCompleted.Result;
        view.FailureDetails = state.Completed?.ExecutionCompleted.FailureDetails;
        return view;
    }

    private static string? NullIfEmpty(string text) => text.Length > 0 ? text : null;
}
