namespace Dapr.Workflow;

/// <summary>A workflow without static types, as the worker runs it. Derive from <see cref="Workflow{TInput, TOutput}"/> instead.</summary>
public interface IWorkflow
{
    /// <summary>Type of the input.</summary>
    Type InputType { get; }

    /// <summary>Type of the output.</summary>
    Type OutputType { get; }

    /// <summary>Runs the workflow.</summary>
    /// <param name="context">The workflow's only door to the world.</param>
    /// <param name="input">The input, of <see cref="InputType"/>.</param>
    Task<object?> RunAsync(WorkflowContext context, object? input);
}
