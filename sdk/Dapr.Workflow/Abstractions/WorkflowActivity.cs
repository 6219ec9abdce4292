using Dapr.Workflow.Abstractions;

namespace Dapr.Workflow;

/// <summary>
/// Base of activities, the steps of a workflow that do I/O. An activity runs at least once: a crash between its end and
/// the delivery of its result runs it again, so its effect should be keyed by
/// <see cref="WorkflowActivityContext.TaskExecutionKey"/>. One instance, and one DI scope, per run.
/// </summary>
/// <typeparam name="TInput">JSON-serializable input.</typeparam>
/// <typeparam name="TOutput">JSON-serializable output.</typeparam>
public abstract class WorkflowActivity<TInput, TOutput> : IWorkflowActivity
{
    /// <inheritdoc />
    Type IWorkflowActivity.InputType => typeof(TInput);

    /// <inheritdoc />
    Type IWorkflowActivity.OutputType => typeof(TOutput);

    /// <summary>The activity's code. An exception fails the task and, after its retries, surfaces in the workflow.</summary>
    /// <param name="context">Which task is run.</param>
    /// <param name="input">The input given by the workflow.</param>
    public abstract Task<TOutput> RunAsync(WorkflowActivityContext context, TInput input);

    /// <inheritdoc />
    public async Task<object?> RunAsync(WorkflowActivityContext context, object? input) =>
        await RunAsync(context, (TInput)input!).ConfigureAwait(false);
}
