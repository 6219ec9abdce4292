namespace Dapr.Workflow;

/// <summary>What is known about the replay of a workflow.</summary>
public interface IWorkflowContext
{
    /// <summary>The workflow's own clock, UTC: the same at every replay.</summary>
    DateTime CurrentUtcDateTime { get; }

    /// <summary>True while the code repeats what it did in an earlier turn.</summary>
    bool IsReplaying { get; }

    /// <summary>See <see cref="WorkflowContext.IsPatched"/>.</summary>
    /// <param name="patchName">Name of the change.</param>
    bool IsPatched(string patchName);
}
