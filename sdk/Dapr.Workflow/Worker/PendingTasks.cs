using Tandem.Protocol.Workflows;

namespace Dapr.Workflow.Worker;

/// <summary>
/// What a workflow has asked for: actions the history does not show yet, and tasks whose end it does not show yet.
/// One counter numbers both; the engine copies the number into the history.
/// </summary>
internal sealed class PendingTasks
{
    private readonly SortedDictionary<int, WorkflowAction> _actions = [];
    private readonly Dictionary<int, (TaskCompletionSource<string?> End, string? Name)> _open = [];
    private readonly Dictionary<string, int> _byExecutionId = new(StringComparer.Ordinal);
    private int _nextId;

    public bool AnyOpen => _open.Count > 0;

    /// <summary>Actions for the engine, in the order of their numbers.</summary>
    public IEnumerable<WorkflowAction> Actions => _actions.Values;

    public int NextId() => _nextId++;

    /// <summary>Adds an action without an end to wait for.</summary>
    public void Add(WorkflowAction action) => _actions.Add(action.Id, action);

    /// <summary>Adds an action and returns the task of its end. Cancelling gives up the task, never the action.</summary>
    public async Task<string?> StartAsync(WorkflowAction action, CancellationToken cancellationToken = default)
    {
        _actions.Add(action.Id, action);
        var end = new TaskCompletionSource<string?>();
        _open.Add(action.Id, (end, NameOf(action)));
        if (action.ScheduleTask is { TaskExecutionId.Length: > 0 } task)
        {
            _byExecutionId[task.TaskExecutionId] = action.Id;
        }

        using var registration = cancellationToken.Register(() =>
        {
            _open.Remove(action.Id);
            end.TrySetCanceled(cancellationToken);
        });

        // On the workflow's synchronization context, so that its code continues there.
        return await end.Task;
    }

    /// <summary>The engine has recorded the action; it must be the one the code asked for.</summary>
    public void Confirm(int id, WorkflowAction.WorkflowActionTypeOneofCase kind, string? name)
    {
        if (!_actions.Remove(id, out var action))
        {
            throw new NonDeterministicWorkflowException(
                $"The history has {kind} '{name}' with number {id}, which the workflow's code did not ask for. Was the code changed while the instance was running?");
        }

        if (action.WorkflowActionTypeCase != kind || !string.Equals(NameOf(action), name, StringComparison.OrdinalIgnoreCase))
        {
            throw new NonDeterministicWorkflowException(
                $"The history has {kind} '{name}' with number {id}, the workflow's code asked for {action.WorkflowActionTypeCase} '{NameOf(action)}'. Was the code changed while the instance was running?");
        }
    }

    public void Complete(int id, string? taskExecutionId, string? result) => Take(id, taskExecutionId)?.End.TrySetResult(result);

    /// <summary>The exception is made from the name that the task was asked for by.</summary>
    public void Fail(int id, string? taskExecutionId, Func<string?, Exception> exception)
    {
        if (Take(id, taskExecutionId) is var (end, name))
        {
            end.TrySetException(exception(name));
        }
    }

    /// <summary>A second end of the same task, or the end of one given up, finds nothing and is dropped.</summary>
    private (TaskCompletionSource<string?> End, string? Name)? Take(int id, string? taskExecutionId)
    {
        if (_open.Remove(id, out var task))
        {
            return task;
        }

        return taskExecutionId is { Length: > 0 } && _byExecutionId.TryGetValue(taskExecutionId, out var known) && _open.Remove(known, out task)
            ? task
            : null;
    }

    private static string? NameOf(WorkflowAction action) => action.WorkflowActionTypeCase switch
    {
        WorkflowAction.WorkflowActionTypeOneofCase.ScheduleTask => action.ScheduleTask.Name,
        WorkflowAction.WorkflowActionTypeOneofCase.CreateChildWorkflow => action.CreateChildWorkflow.Name,
        WorkflowAction.WorkflowActionTypeOneofCase.SendEvent => action.SendEvent.Name,
        _ => null,
    };
}
