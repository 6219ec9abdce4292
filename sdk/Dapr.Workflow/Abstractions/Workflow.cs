namespace Dapr.Workflow;

/// <summary>
/// Base of workflows. The code is run again from its start whenever something it waits for arrives, so it must be
/// deterministic: no clock, random numbers, I/O or logger but the context's own, and it awaits only the context's tasks.
/// </summary>
/// <typeparam name="TInput">JSON-serializable input.</typeparam>
/// <typeparam name="TOutput">JSON-serializable output.</typeparam>
public abstract class Workflow<TInput, TOutput> : IWorkflow
{
    /// <inheritdoc />
    Type IWorkflow.InputType => typeof(TInput);

    /// <inheritdoc />
    Type IWorkflow.OutputType => typeof(TOutput);

    /// <summary>The workflow's code.</summary>
    /// <param name="context">The workflow's only door to the world.</param>
    /// <param name="input">The input given when it was scheduled.</param>
    public abstract Task<TOutput> RunAsync(WorkflowContext context, TInput input);

    // Runs on the workflow's own synchronization context, which ConfigureAwait(false) would leave.
    async Task<object?> IWorkflow.RunAsync(WorkflowContext context, object? input) => await RunAsync(context, (TInput)input!);
}
