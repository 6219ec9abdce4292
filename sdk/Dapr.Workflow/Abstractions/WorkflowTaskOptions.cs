namespace Dapr.Workflow;

/// <summary>How a task is run.</summary>
/// <param name="RetryPolicy">What happens when it fails; null: it fails at once.</param>
/// <param name="TargetAppId">The app that runs it; null: this one.</param>
/// <param name="PropagationScope">The history sent along.</param>
public record WorkflowTaskOptions(
    WorkflowRetryPolicy? RetryPolicy = null,
    string? TargetAppId = null,
    HistoryPropagationScope PropagationScope = HistoryPropagationScope.None)
{
    /// <summary>The same options with another propagation scope.</summary>
    /// <param name="scope">The scope.</param>
    public WorkflowTaskOptions WithHistoryPropagation(HistoryPropagationScope scope) => this with { PropagationScope = scope };
}
