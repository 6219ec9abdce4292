using Dapr.Workflow.Serialization;
using Dapr.Workflow.Worker;
using Wire = Tandem.Protocol.Workflows;

namespace Dapr.Workflow;

/// <summary>A snapshot of a workflow instance.</summary>
public sealed class WorkflowState
{
    private readonly Wire.WorkflowState? _state;
    private readonly WorkflowJson _json;

    internal WorkflowState(Wire.WorkflowState? state, WorkflowJson json)
    {
        _state = state;
        _json = json;
    }

    /// <summary>False when there is no such instance.</summary>
    public bool Exists => _state is not null;

    /// <summary>True while it runs; pending and suspended are not running.</summary>
    public bool IsWorkflowRunning => RuntimeStatus is WorkflowRuntimeStatus.Running;

    /// <summary>True once it has completed, failed, been cancelled or been terminated.</summary>
    public bool IsWorkflowCompleted => RuntimeStatus is WorkflowRuntimeStatus.Completed or WorkflowRuntimeStatus.Failed
        or WorkflowRuntimeStatus.Canceled or WorkflowRuntimeStatus.Terminated;

    /// <summary>When it was scheduled; the default value when unknown.</summary>
    public DateTimeOffset CreatedAt => _state?.CreatedTimestamp?.ToDateTimeOffset() ?? default;

    /// <summary>When it last changed; the default value when unknown.</summary>
    public DateTimeOffset LastUpdatedAt => _state?.LastUpdatedTimestamp?.ToDateTimeOffset() ?? default;

    /// <summary>Where it stands; <see cref="WorkflowRuntimeStatus.Unknown"/> when there is no such instance.</summary>
    public WorkflowRuntimeStatus RuntimeStatus =>
        _state is null ? WorkflowRuntimeStatus.Unknown : (WorkflowRuntimeStatus)(int)_state.WorkflowStatus;

    /// <summary>Name of the workflow.</summary>
    public string? WorkflowName => _state?.Name;

    /// <summary>How it failed; null unless it did and outputs were asked for.</summary>
    public WorkflowTaskFailureDetails? FailureDetails =>
        _state?.FailureDetails is { } details ? Worker.FailureDetails.Read(details) : null;

    /// <summary>The input, if inputs were asked for.</summary>
    /// <typeparam name="T">Its type.</typeparam>
    public T? ReadInputAs<T>() => _json.Deserialize<T>(_state?.Input);

    /// <summary>The output, if outputs were asked for and there is one.</summary>
    /// <typeparam name="T">Its type.</typeparam>
    public T? ReadOutputAs<T>() => _json.Deserialize<T>(_state?.Output);

    /// <summary>The custom status, if outputs were asked for and one is set.</summary>
    /// <typeparam name="T">Its type.</typeparam>
    public T? ReadCustomStatusAs<T>() => _json.Deserialize<T>(_state?.CustomStatus);
}
