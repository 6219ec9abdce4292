namespace Dapr.Workflow;

/// <summary>An activity or a child workflow failed for good.</summary>
/// <param name="message">What failed.</param>
/// <param name="failureDetails">How it failed.</param>
public class WorkflowTaskFailedException(string message, WorkflowTaskFailureDetails failureDetails) : Exception(message)
{
    /// <summary>How it failed.</summary>
    public WorkflowTaskFailureDetails FailureDetails { get; } = failureDetails;
}
