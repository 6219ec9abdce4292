using Dapr.Workflow.Abstractions;

namespace Dapr.Workflow;

/// <summary>What an activity knows about the task it runs for.</summary>
public abstract class WorkflowActivityContext
{
    /// <summary>The activity's name.</summary>
    public abstract TaskIdentifier Identifier { get; }

    /// <summary>
    /// The same for every delivery of one task and different for every other task, retries included: an idempotency key.
    /// </summary>
    public abstract string TaskExecutionKey { get; }

    /// <summary>The workflow instance the task belongs to.</summary>
    public abstract string InstanceId { get; }
}
