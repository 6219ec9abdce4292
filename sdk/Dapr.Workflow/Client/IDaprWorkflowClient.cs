namespace Dapr.Workflow;

/// <summary>Starts, watches and steers workflow instances. Failures of the sidecar are <see cref="Grpc.Core.RpcException"/>.</summary>
public interface IDaprWorkflowClient : IDisposable, IAsyncDisposable
{
    /// <summary>Schedules a workflow to start at once. An active instance of the same id is <c>AlreadyExists</c>.</summary>
    /// <param name="name">Name of the workflow.</param>
    /// <param name="instanceId">Id of the instance; null: a new GUID.</param>
    /// <param name="input">JSON-serializable input.</param>
    /// <returns>The instance's id.</returns>
    Task<string> ScheduleNewWorkflowAsync(string name, string? instanceId = null, object? input = null);

    /// <summary>Schedules a workflow.</summary>
    /// <param name="name">Name of the workflow.</param>
    /// <param name="instanceId">Id of the instance; null: a new GUID.</param>
    /// <param name="input">JSON-serializable input.</param>
    /// <param name="startTime">When it starts, UTC unless its kind says otherwise; null: at once.</param>
    /// <returns>The instance's id.</returns>
    Task<string> ScheduleNewWorkflowAsync(string name, string? instanceId, object? input, DateTime? startTime);

    /// <summary>Schedules a workflow.</summary>
    /// <param name="name">Name of the workflow.</param>
    /// <param name="instanceId">Id of the instance; null: a new GUID.</param>
    /// <param name="input">JSON-serializable input.</param>
    /// <param name="startTime">When it starts; null: at once.</param>
    /// <param name="cancellation">Gives up the call; the workflow may have been scheduled.</param>
    /// <returns>The instance's id.</returns>
    Task<string> ScheduleNewWorkflowAsync(
        string name, string? instanceId, object? input, DateTimeOffset? startTime, CancellationToken cancellation = default);

    /// <summary>Reads the state of an instance; an unknown one has <see cref="WorkflowState.Exists"/> false.</summary>
    /// <param name="instanceId">Id of the instance.</param>
    /// <param name="getInputsAndOutputs">Whether input, output, custom status and failure are wanted.</param>
    /// <param name="cancellation">Gives up the call.</param>
    Task<WorkflowState> GetWorkflowStateAsync(string instanceId, bool getInputsAndOutputs = true, CancellationToken cancellation = default);

    /// <summary>Waits until an instance has started.</summary>
    /// <param name="instanceId">Id of the instance.</param>
    /// <param name="getInputsAndOutputs">Whether input, output, custom status and failure are wanted.</param>
    /// <param name="cancellation">Gives up the wait.</param>
    /// <exception cref="InvalidOperationException">There is no such instance.</exception>
    Task<WorkflowState> WaitForWorkflowStartAsync(string instanceId, bool getInputsAndOutputs = true, CancellationToken cancellation = default);

    /// <summary>Waits until an instance has completed, failed or been terminated.</summary>
    /// <param name="instanceId">Id of the instance.</param>
    /// <param name="getInputsAndOutputs">Whether input, output, custom status and failure are wanted.</param>
    /// <param name="cancellation">Gives up the wait.</param>
    /// <exception cref="InvalidOperationException">There is no such instance.</exception>
    Task<WorkflowState> WaitForWorkflowCompletionAsync(string instanceId, bool getInputsAndOutputs = true, CancellationToken cancellation = default);

    /// <summary>Ends an instance and its running children.</summary>
    /// <param name="instanceId">Id of the instance.</param>
    /// <param name="output">JSON-serializable output.</param>
    /// <param name="cancellation">Gives up the call.</param>
    Task TerminateWorkflowAsync(string instanceId, object? output = null, CancellationToken cancellation = default);

    /// <summary>Raises an event on an instance.</summary>
    /// <param name="instanceId">Id of the instance.</param>
    /// <param name="eventName">Name of the event; case does not count.</param>
    /// <param name="eventPayload">JSON-serializable payload.</param>
    /// <param name="cancellation">Gives up the call.</param>
    Task RaiseEventAsync(string instanceId, string eventName, object? eventPayload = null, CancellationToken cancellation = default);

    /// <summary>Pauses an instance.</summary>
    /// <param name="instanceId">Id of the instance.</param>
    /// <param name="reason">Kept in the history.</param>
    /// <param name="cancellation">Gives up the call.</param>
    Task SuspendWorkflowAsync(string instanceId, string? reason = null, CancellationToken cancellation = default);

    /// <summary>Lets a paused instance go on.</summary>
    /// <param name="instanceId">Id of the instance.</param>
    /// <param name="reason">Kept in the history.</param>
    /// <param name="cancellation">Gives up the call.</param>
    Task ResumeWorkflowAsync(string instanceId, string? reason = null, CancellationToken cancellation = default);

    /// <summary>Removes the state of an ended instance and of its children.</summary>
    /// <param name="instanceId">Id of the instance.</param>
    /// <param name="cancellation">Gives up the call.</param>
    /// <returns>Whether there was anything to remove.</returns>
    Task<bool> PurgeInstanceAsync(string instanceId, CancellationToken cancellation = default);
}
