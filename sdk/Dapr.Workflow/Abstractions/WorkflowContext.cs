using Microsoft.Extensions.Logging;

namespace Dapr.Workflow;

/// <summary>
/// A workflow's only door to the world: everything it does, waits for or learns goes through here and is recorded, so
/// that a replay sees the same. Not thread-safe; use it only from the workflow's code.
/// </summary>
public abstract class WorkflowContext : IWorkflowContext
{
    /// <summary>The workflow's name.</summary>
    public abstract string Name { get; }

    /// <summary>The instance's id.</summary>
    public abstract string InstanceId { get; }

    /// <inheritdoc />
    public abstract DateTime CurrentUtcDateTime { get; }

    /// <inheritdoc />
    public abstract bool IsReplaying { get; }

    /// <summary>
    /// True when this execution may take the changed path <paramref name="patchName"/>: it got here after the change
    /// was deployed, or already took the path. Keeps running instances deterministic across a change of code.
    /// </summary>
    /// <param name="patchName">Name of the change, unique within the workflow.</param>
    public abstract bool IsPatched(string patchName);

    /// <summary>Runs an activity and discards its result.</summary>
    /// <param name="name">Name of the activity.</param>
    /// <param name="input">JSON-serializable input.</param>
    /// <param name="options">Retries and target app.</param>
    /// <exception cref="WorkflowTaskFailedException">The activity failed for good.</exception>
    public virtual Task CallActivityAsync(string name, object? input = null, WorkflowTaskOptions? options = null) =>
        CallActivityAsync<object>(name, input, options);

    /// <summary>Runs an activity.</summary>
    /// <typeparam name="T">Type of the result.</typeparam>
    /// <param name="name">Name of the activity.</param>
    /// <param name="input">JSON-serializable input.</param>
    /// <param name="options">Retries and target app.</param>
    /// <exception cref="WorkflowTaskFailedException">The activity failed for good.</exception>
    public abstract Task<T> CallActivityAsync<T>(string name, object? input = null, WorkflowTaskOptions? options = null);

    /// <summary>Waits durably: the wait survives restarts of app and sidecar.</summary>
    /// <param name="delay">How long; measured on the workflow's clock.</param>
    /// <param name="cancellationToken">Gives up the wait; the timer itself stays.</param>
    public virtual Task CreateTimer(TimeSpan delay, CancellationToken cancellationToken = default) =>
        CreateTimer(CurrentUtcDateTime.Add(delay), cancellationToken);

    /// <summary>Waits durably until a point in time.</summary>
    /// <param name="fireAt">When; taken as UTC when its kind is not given.</param>
    /// <param name="cancellationToken">Gives up the wait; the timer itself stays.</param>
    public abstract Task CreateTimer(DateTime fireAt, CancellationToken cancellationToken);

    /// <summary>
    /// Waits for an event raised on this instance. Events that came earlier count, in their order; names are compared
    /// without regard to case.
    /// </summary>
    /// <typeparam name="T">Type of the payload.</typeparam>
    /// <param name="eventName">Name of the event.</param>
    /// <param name="cancellationToken">Gives up the wait.</param>
    public abstract Task<T> WaitForExternalEventAsync<T>(string eventName, CancellationToken cancellationToken = default);

    /// <summary>Waits for an event, but no longer than <paramref name="timeout"/> on a durable timer.</summary>
    /// <typeparam name="T">Type of the payload.</typeparam>
    /// <param name="eventName">Name of the event.</param>
    /// <param name="timeout">Negative waits for ever, zero takes only an event that has come.</param>
    /// <exception cref="TaskCanceledException">The time is over.</exception>
    public virtual async Task<T> WaitForExternalEventAsync<T>(string eventName, TimeSpan timeout)
    {
        using var over = new CancellationTokenSource();
        var raised = WaitForExternalEventAsync<T>(eventName, over.Token);
        if (timeout >= TimeSpan.Zero && await Task.WhenAny(raised, CreateTimer(timeout, over.Token)) != raised)
        {
            over.Cancel(); // CancelAsync would leave the workflow's thread.
        }

        return await raised;
    }

    /// <summary>Raises an event on another instance.</summary>
    /// <param name="instanceId">The instance.</param>
    /// <param name="eventName">Name of the event.</param>
    /// <param name="payload">JSON-serializable payload.</param>
    public abstract void SendEvent(string instanceId, string eventName, object payload);

    /// <summary>Sets the status text that <see cref="WorkflowState"/> shows.</summary>
    /// <param name="customStatus">JSON-serializable; null clears it.</param>
    public abstract void SetCustomStatus(object? customStatus);

    /// <summary>Runs another workflow and discards its result.</summary>
    /// <param name="workflowName">Name of the workflow.</param>
    /// <param name="input">JSON-serializable input.</param>
    /// <param name="options">Instance id, retries and target app.</param>
    /// <exception cref="WorkflowTaskFailedException">The workflow failed.</exception>
    public virtual Task CallChildWorkflowAsync(string workflowName, object? input = null, ChildWorkflowTaskOptions? options = null) =>
        CallChildWorkflowAsync<object>(workflowName, input, options);

    /// <summary>Runs another workflow as a child of this one.</summary>
    /// <typeparam name="TResult">Type of the result.</typeparam>
    /// <param name="workflowName">Name of the workflow.</param>
    /// <param name="input">JSON-serializable input.</param>
    /// <param name="options">Instance id, retries and target app.</param>
    /// <exception cref="WorkflowTaskFailedException">The workflow failed.</exception>
    public abstract Task<TResult> CallChildWorkflowAsync<TResult>(
        string workflowName, object? input = null, ChildWorkflowTaskOptions? options = null);

    /// <summary>
    /// Restarts the workflow under the same id with an empty history once its code has returned; its result is discarded.
    /// </summary>
    /// <param name="newInput">Input of the next run.</param>
    /// <param name="preserveUnprocessedEvents">Whether events nobody has waited for go over to the next run.</param>
    public abstract void ContinueAsNew(object? newInput = null, bool preserveUnprocessedEvents = true);

    /// <summary>A new GUID that is the same at every replay.</summary>
    public abstract Guid NewGuid();

    /// <summary>A logger that is silent during replay.</summary>
    /// <param name="categoryName">Its category.</param>
    public abstract ILogger CreateReplaySafeLogger(string categoryName);

    /// <summary>A logger that is silent during replay.</summary>
    /// <param name="type">The type that names its category.</param>
    public abstract ILogger CreateReplaySafeLogger(Type type);

    /// <summary>A logger that is silent during replay.</summary>
    /// <typeparam name="T">The type that names its category.</typeparam>
    public abstract ILogger CreateReplaySafeLogger<T>();
}
