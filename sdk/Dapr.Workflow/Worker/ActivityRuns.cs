using Tandem.Protocol.Workflows;

namespace Dapr.Workflow.Worker;

/// <summary>
/// The activities this process is busy with, by task. The engine hands an item out again when it has lost the stream
/// or itself; a task that is still running here, or whose result is not delivered yet, is then not run a second time:
/// the delivery takes the new completion token.
/// </summary>
internal sealed class ActivityRuns
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Instance, string Execution, int Task), Run> _runs = [];

    /// <summary>Starts a run of the task, or returns null when one is under way and has taken the token.</summary>
    public Run? TryStart(ActivityRequest request, string completionToken)
    {
        // The execution id tells the runs of a recreated instance, or of the next run after continue-as-new, apart.
        var execution = request.TaskExecutionId.Length > 0 ? request.TaskExecutionId : request.WorkflowInstance?.ExecutionId ?? "";
        var key = (request.WorkflowInstance?.InstanceId ?? "", execution, request.TaskId);
        lock (_gate)
        {
            if (_runs.TryGetValue(key, out var known))
            {
                known.Redelivered(completionToken);
                return null;
            }

            return _runs[key] = new Run(this, key, completionToken);
        }
    }

    internal sealed class Run(ActivityRuns owner, (string Instance, string Execution, int Task) key, string token)
    {
        private TaskCompletionSource _redelivered = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string Token
        {
            get
            {
                lock (owner._gate)
                {
                    return token;
                }
            }
        }

        /// <summary>Ends the run unless the item has been handed out again since <paramref name="delivered"/> was read.</summary>
        public bool TryEnd(string delivered)
        {
            lock (owner._gate)
            {
                return token == delivered && owner._runs.Remove(key);
            }
        }

        /// <summary>Ends the run whatever has come; does nothing when it has ended and another took its place.</summary>
        public void End()
        {
            lock (owner._gate)
            {
                if (owner._runs.TryGetValue(key, out var current) && current == this)
                {
                    owner._runs.Remove(key);
                }
            }
        }

        /// <summary>Completes when the item is handed out with another token than <paramref name="delivered"/>.</summary>
        public Task RedeliveryAsync(string delivered)
        {
            lock (owner._gate)
            {
                return token == delivered ? _redelivered.Task : Task.CompletedTask;
            }
        }

        /// <summary>Under the owner's lock.</summary>
        public void Redelivered(string newToken)
        {
            token = newToken;
            _redelivered.TrySetResult();
            _redelivered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}
