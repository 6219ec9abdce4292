namespace Dapr.Workflow;

/// <summary>How a child workflow is run.</summary>
/// <param name="InstanceId">The child's id; null: a GUID that is the same at every replay.</param>
/// <param name="RetryPolicy">What happens when it fails; null: it fails at once.</param>
/// <param name="TargetAppId">The app that runs it; null: this one.</param>
/// <param name="PropagationScope">The history sent along.</param>
public record ChildWorkflowTaskOptions(
    string? InstanceId = null,
    WorkflowRetryPolicy? RetryPolicy = null,
    string? TargetAppId = null,
    HistoryPropagationScope PropagationScope = HistoryPropagationScope.None)
    : WorkflowTaskOptions(RetryPolicy, TargetAppId, PropagationScope)
{
    /// <summary>The same options with another propagation scope.</summary>
    /// <param name="scope">The scope.</param>
    public new ChildWorkflowTaskOptions WithHistoryPropagation(HistoryPropagationScope scope) => this with { PropagationScope = scope };
}
