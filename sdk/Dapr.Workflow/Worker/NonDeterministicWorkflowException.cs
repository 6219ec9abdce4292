namespace Dapr.Workflow.Worker;

/// <summary>A replay did not do what the history says, or waits for something no history can bring.</summary>
internal sealed class NonDeterministicWorkflowException(string message) : Exception(message);
