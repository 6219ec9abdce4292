using Dapr.Workflow.Serialization;
using Tandem.Protocol.Workflows;
using ActionKind = Tandem.Protocol.Workflows.WorkflowAction.WorkflowActionTypeOneofCase;

namespace Dapr.Workflow.Worker;

/// <summary>
/// One turn of a workflow, on one thread from start to end: (1) feed the past events, (2) feed the new ones, after each
/// running what it has made ready, (3) collect what the code asked for and the history does not show.
/// </summary>
internal sealed class WorkflowTurn(
    WorkflowReplayContext context, WorkflowSynchronizationContext synchronization, IWorkflow workflow, Func<object?> readInput)
{
    private Task<object?>? _run;
    private bool _suspended;

    public WorkflowResponse Run(WorkflowRequest request, WorkflowJson json)
    {
        context.SetReplaying(true);
        foreach (var past in request.PastEvents)
        {
            Feed(past);
        }

        context.SetReplaying(false);
        foreach (var fresh in request.NewEvents)
        {
            Feed(fresh);
        }

        var response = new WorkflowResponse { InstanceId = request.InstanceId, CustomStatus = context.CustomStatus };
        if (context.TakenPatches.ToList() is { Count: > 0 } patches)
        {
            response.Version = new WorkflowVersion { Name = context.Name, Patches = { patches } };
        }

        if (_suspended)
        {
            // What the code asks for meanwhile is asked for again by the replay that follows the resumption.
            return response;
        }

        response.Actions.AddRange(context.Tasks.Actions);
        if (_run is { IsCompleted: true })
        {
            response.Actions.Add(Completion(_run, json));
        }
        else if (response.Actions.Count == 0 && !context.Tasks.AnyOpen && !context.Events.AnyoneWaits)
        {
            throw new NonDeterministicWorkflowException(
                "The workflow waits for a task that is not one of its context and would never go on. Do I/O and delays in activities and timers.");
        }

        return response;
    }

    private void Feed(HistoryEvent item)
    {
        var tasks = context.Tasks;
        switch (item.EventTypeCase)
        {
            case HistoryEvent.EventTypeOneofCase.WorkflowStarted:
                context.SetTime(item.Timestamp);
                context.RecordedPatches.UnionWith(item.WorkflowStarted.Version?.Patches ?? []);
                break;
            case HistoryEvent.EventTypeOneofCase.ExecutionStarted when _run is null:
                if (context.CurrentUtcDateTime == default && item.Timestamp is not null)
                {
                    context.SetTime(item.Timestamp);
                }

                _run = StartAsync();
                break;
            case HistoryEvent.EventTypeOneofCase.TaskScheduled:
                tasks.Confirm(item.EventId, ActionKind.ScheduleTask, item.TaskScheduled.Name);
                break;
            case HistoryEvent.EventTypeOneofCase.TaskCompleted:
                tasks.Complete(item.TaskCompleted.TaskScheduledId, item.TaskCompleted.TaskExecutionId, item.TaskCompleted.Result);
                break;
            case HistoryEvent.EventTypeOneofCase.TaskFailed:
                var failure = FailureDetails.Read(item.TaskFailed.FailureDetails);
                tasks.Fail(
                    item.TaskFailed.TaskScheduledId,
                    item.TaskFailed.TaskExecutionId,
                    _ => new WorkflowTaskFailedException($"Task failed: {failure.ErrorMessage}", failure));
                break;
            case HistoryEvent.EventTypeOneofCase.TimerCreated:
                tasks.Confirm(item.EventId, ActionKind.CreateTimer, null);
                break;
            case HistoryEvent.EventTypeOneofCase.TimerFired:
                tasks.Complete(item.TimerFired.TimerId, null, null);
                break;
            case HistoryEvent.EventTypeOneofCase.ChildWorkflowInstanceCreated:
                tasks.Confirm(item.EventId, ActionKind.CreateChildWorkflow, item.ChildWorkflowInstanceCreated.Name);
                break;
            case HistoryEvent.EventTypeOneofCase.ChildWorkflowInstanceCompleted:
                tasks.Complete(item.ChildWorkflowInstanceCompleted.TaskScheduledId, null, item.ChildWorkflowInstanceCompleted.Result);
                break;
            case HistoryEvent.EventTypeOneofCase.ChildWorkflowInstanceFailed:
                var childFailure = FailureDetails.Read(item.ChildWorkflowInstanceFailed.FailureDetails);
                tasks.Fail(
                    item.ChildWorkflowInstanceFailed.TaskScheduledId,
                    null,
                    name => new WorkflowTaskFailedException($"Child workflow '{name}' failed", childFailure));
                break;
            case HistoryEvent.EventTypeOneofCase.EventSent:
                tasks.Confirm(item.EventId, ActionKind.SendEvent, item.EventSent.Name);
                break;
            case HistoryEvent.EventTypeOneofCase.EventRaised:
                context.Events.Raise(item);
                break;
            case HistoryEvent.EventTypeOneofCase.ExecutionSuspended:
                _suspended = true;
                break;
            case HistoryEvent.EventTypeOneofCase.ExecutionResumed:
                _suspended = false;
                break;
            default:
                // Events of newer engines, and those that carry nothing the code can see.
                break;
        }

        synchronization.Drain();
    }

    /// <summary>An input that does not fit, or a workflow that throws before its first await, is a failed run as well.</summary>
    private async Task<object?> StartAsync() => await workflow.RunAsync(context, readInput());

    private WorkflowAction Completion(Task<object?> ended, WorkflowJson json)
    {
        if (ended.IsCompletedSuccessfully && context.NextRun is { } next)
        {
            return new WorkflowAction
            {
                Id = next.Id,
                CompleteWorkflow = new CompleteWorkflowAction
                {
                    WorkflowStatus = OrchestrationStatus.ContinuedAsNew,
                    Result = next.Input,
                    CarryoverEvents = { next.PreserveEvents ? context.Events.Kept : [] },
                },
            };
        }

        // Completions have number 0, as the official worker's do; they are never looked up by it.
        return new WorkflowAction
        {
            CompleteWorkflow = ended.IsCompletedSuccessfully
                ? new CompleteWorkflowAction { WorkflowStatus = OrchestrationStatus.Completed, Result = json.Serialize(ended.Result) }
                : new CompleteWorkflowAction
                {
                    WorkflowStatus = OrchestrationStatus.Failed,
                    FailureDetails = FailureDetails.From(
                        ended.Exception?.InnerException ?? new TaskCanceledException(ended), isNonRetriable: true),
                },
        };
    }
}
