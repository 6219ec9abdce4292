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

    public static WorkflowState ToWorkflowState(InstanceState state) => ToWorkflowState(
        state.InstanceId,
        state.Metadata,
        (state.Started ?? state.Inbox.Find(e => e.EventTypeCase == EventKind.ExecutionStarted))?.ExecutionStarted,
        state.Completed?.ExecutionCompleted,
        state.CustomStatus);

    public static WorkflowState ToWorkflowState(string instanceId, InstanceMetadata metadata, EndedInstance ended) =>
        ToWorkflowState(instanceId, metadata, ended.Started, ended.Completed, ended.CustomStatus);

    private static WorkflowState ToWorkflowState(
        string instanceId, InstanceMetadata metadata, ExecutionStartedEvent? started, ExecutionCompletedEvent? completed, string? customStatus)
    {
        var view = ToWorkflowState(instanceId, metadata);
        view.Input = started?.Input;
        view.CustomStatus = customStatus;
        view.Output = completed?.Result;
        view.FailureDetails = completed?.FailureDetails;
        return view;
    }

    private static string? NullIfEmpty(string text) => text.Length > 0 ? text : null;
}
