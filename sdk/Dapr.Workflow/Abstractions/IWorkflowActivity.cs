namespace Dapr.Workflow.Abstractions;

/// <summary>An activity without static types, as the worker runs it. Derive from <see cref="WorkflowActivity{TInput, TOutput}"/> instead.</summary>
public interface IWorkflowActivity
{
    /// <summary>Type of the input.</summary>
    Type InputType { get; }

    /// <summary>Type of the output.</summary>
    Type OutputType { get; }

    /// <summary>Runs the activity.</summary>
    /// <param name="context">Which task is run.</param>
    /// <param name="input">The input, of <see cref="InputType"/>.</param>
    Task<object?> RunAsync(WorkflowActivityContext context, object? input);
}
