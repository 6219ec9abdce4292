using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Tandem.Protocol.Workflows;
using ActionKind = Tandem.Protocol.Workflows.WorkflowAction.WorkflowActionTypeOneofCase;
using EventKind = Tandem.Protocol.Workflows.HistoryEvent.EventTypeOneofCase;

namespace Sidecar.Workflows.State;

/// <summary>Turns a worker's response into history (grpc §5.3). Pure: reads the state, changes nothing.</summary>
internal static class TurnRules
{
    /// <param name="state">The instance before the turn.</param>
    /// <param name="newEvents">What the turn delivered, WorkflowStarted first.</param>
    /// <param name="response">The worker's answer.</param>
    /// <param name="appId">The app of the engine; actions routed to another app are refused.</param>
    /// <param name="now">Timestamp of the new events.</param>
    public static TurnOutcome Apply(InstanceState state, IReadOnlyList<HistoryEvent> newEvents, WorkflowResponse response, string appId, DateTimeOffset now)
    {
        var outcome = new TurnOutcome { CustomStatus = response.CustomStatus };
        var completion = response.Actions.FirstOrDefault(a => a.WorkflowActionTypeCase == ActionKind.CompleteWorkflow)?.CompleteWorkflow;
        if (response.Actions.Any(a => a.WorkflowActionTypeCase == ActionKind.WorkflowVersionNotAvailable)
            || completion?.WorkflowStatus == OrchestrationStatus.Stalled)
        {
            outcome.Stalled = true;
            return outcome;
        }

        outcome.Events.AddRange(newEvents);
        if (response.Version is { } version)
        {
            newEvents[0].WorkflowStarted.Version = version;
        }

        var start = (newEvents.FirstOrDefault(e => e.EventTypeCase == EventKind.ExecutionStarted) ?? state.Started!).ExecutionStarted;
        var terminated = newEvents.LastOrDefault(e => e.EventTypeCase == EventKind.ExecutionTerminated)?.ExecutionTerminated;
        var continuesAsNew = completion?.WorkflowStatus == OrchestrationStatus.ContinuedAsNew;
        if (terminated is not null && (completion is null || continuesAsNew))
        {
            // Forced termination: what the worker wanted to do next is dropped.
            Complete(outcome, Events.New(now), new ExecutionCompletedEvent { WorkflowStatus = OrchestrationStatus.Terminated, Result = terminated.Input });
        }
        else if (continuesAsNew)
        {
            outcome.NextExecution = NextExecution(state, start, completion!, now);
            return outcome;
        }
        else
        {
            foreach (var action in response.Actions)
            {
                Apply(action, state, start, terminated, outcome, appId, now);
            }
        }

        if (outcome.Completed is { } completed)
        {
            NotifyParent(start, completed.ExecutionCompleted, outcome, now);
            if (terminated is { Recurse: true })
            {
                TerminateChildren(state, newEvents, terminated, outcome, now);
            }
        }

        return outcome;
    }

    private static void Apply(
        WorkflowAction action, InstanceState state, ExecutionStartedEvent start, ExecutionTerminatedEvent? terminated, TurnOutcome outcome, string appId, DateTimeOffset now)
    {
        var e = Events.New(now, action.Id);
        var foreignApp = action.Router is { HasTargetAppID: true } router && router.TargetAppID.Length > 0 && router.TargetAppID != appId ? router.TargetAppID : null;
        switch (action.WorkflowActionTypeCase)
        {
            case ActionKind.ScheduleTask:
                var task = action.ScheduleTask;
                e.TaskScheduled = new TaskScheduledEvent
                {
                    Name = task.Name,
                    Version = task.Version,
                    Input = task.Input,
                    TaskExecutionId = task.TaskExecutionId,
                    ParentTraceContext = start.ParentTraceContext,
                };
                outcome.Events.Add(e);
                if (foreignApp is null)
                {
                    outcome.Tasks.Add(e);
                }
                else
                {
                    outcome.OwnInbox.Add(Events.TaskFailed(now, e, "CrossAppNotSupported", $"Activities of another app ('{foreignApp}') are not supported"));
                }

                break;

            case ActionKind.CreateTimer:
                e.TimerCreated = TimerCreated(action.CreateTimer);
                outcome.Events.Add(e);
                outcome.Timers.Add(e);
                break;

            case ActionKind.CreateChildWorkflow:
                var child = action.CreateChildWorkflow;
                e.ChildWorkflowInstanceCreated = new ChildWorkflowInstanceCreatedEvent
                {
                    InstanceId = child.InstanceId.Length > 0 ? child.InstanceId : $"{state.InstanceId}:{action.Id.ToString("x4", CultureInfo.InvariantCulture)}",
                    Name = child.Name,
                    Version = child.Version,
                    Input = child.Input,
                    ParentTraceContext = start.ParentTraceContext,
                    RetryParentInstanceInfo = child.RetryParentInstanceInfo,
                };
                outcome.Events.Add(e);
                if (foreignApp is null)
                {
                    outcome.Children.Add(e);
                }
                else
                {
                    outcome.OwnInbox.Add(Events.ChildFailed(now, action.Id, new TaskFailureDetails
                    {
                        ErrorType = "CrossAppNotSupported",
                        ErrorMessage = $"Child workflows of another app ('{foreignApp}') are not supported",
                        IsNonRetriable = true,
                    }));
                }

                break;

            case ActionKind.SendEvent:
                var sent = action.SendEvent;
                e.EventSent = new EventSentEvent { InstanceId = sent.Instance?.InstanceId ?? "", Name = sent.Name, Input = sent.Data };
                outcome.Events.Add(e);
                var raised = Events.EventRaised(now, sent.Name, sent.Data);
                if (e.EventSent.InstanceId == state.InstanceId)
                {
                    outcome.OwnInbox.Add(raised);
                }
                else
                {
                    outcome.Messages.Add((e.EventSent.InstanceId, raised, null));
                }

                break;

            case ActionKind.CreateDetachedWorkflow:
                e.DetachedWorkflowInstanceCreated = new DetachedWorkflowInstanceCreatedEvent { InstanceId = action.CreateDetachedWorkflow.InstanceId };
                outcome.Events.Add(e);
                outcome.Detached.Add((action.Id, action.CreateDetachedWorkflow));
                break;

            case ActionKind.TerminateWorkflow:
                var target = action.TerminateWorkflow;
                outcome.Messages.Add((target.InstanceId, Events.Terminated(now, target.Reason, target.Recurse), null));
                break;

            case ActionKind.CompleteWorkflow when outcome.Completed is null:
                var completion = action.CompleteWorkflow;
                var result = completion.Result ?? (completion.WorkflowStatus == OrchestrationStatus.Terminated ? terminated?.Input : null);
                Complete(outcome, e, new ExecutionCompletedEvent
                {
                    // A status that does not end an instance would leave it running for ever.
                    WorkflowStatus = InstanceState.IsTerminal(completion.WorkflowStatus) ? completion.WorkflowStatus : OrchestrationStatus.Failed,
                    Result = result,
                    FailureDetails = completion.FailureDetails,
                });
                break;
        }
    }

    private static TimerCreatedEvent TimerCreated(CreateTimerAction action)
    {
        if (action.FireAt is { Nanos: < 0 or > 999_999_999 })
        {
            throw new FormatException($"a timer's time has {action.FireAt.Nanos} nanoseconds");
        }

        var timer = new TimerCreatedEvent { FireAt = action.FireAt ?? new Timestamp() };
        if (action.HasName)
        {
            timer.Name = action.Name;
        }

        switch (action.OriginCase)
        {
            case CreateTimerAction.OriginOneofCase.CreateTimer: timer.CreateTimer = action.CreateTimer; break;
            case CreateTimerAction.OriginOneofCase.ExternalEvent: timer.ExternalEvent = action.ExternalEvent; break;
            case CreateTimerAction.OriginOneofCase.ActivityRetry: timer.ActivityRetry = action.ActivityRetry; break;
            case CreateTimerAction.OriginOneofCase.ChildWorkflowRetry: timer.ChildWorkflowRetry = action.ChildWorkflowRetry; break;
        }

        return timer;
    }

    private static void Complete(TurnOutcome outcome, HistoryEvent e, ExecutionCompletedEvent completed)
    {
        e.ExecutionCompleted = completed;
        outcome.Completed = e;
        outcome.Events.Add(e);
    }

    private static void NotifyParent(ExecutionStartedEvent start, ExecutionCompletedEvent completed, TurnOutcome outcome, DateTimeOffset now)
    {
        if (start.ParentInstance is { WorkflowInstance: { } parent } info)
        {
            outcome.Messages.Add((parent.InstanceId, Events.ChildEnded(now, info.TaskScheduledId, completed), parent.ExecutionId));
        }
    }

    private static void TerminateChildren(
        InstanceState state, IReadOnlyList<HistoryEvent> newEvents, ExecutionTerminatedEvent terminated, TurnOutcome outcome, DateTimeOffset now)
    {
        var resolvedNow = newEvents.Select(Events.Resolves).Where(r => r is { Kind: Resolution.Child }).Select(r => r!.Value.Id).ToHashSet();
        foreach (var child in state.Children.Values.Where(c => !resolvedNow.Contains(c.EventId)))
        {
            outcome.Messages.Add((child.ChildWorkflowInstanceCreated.InstanceId, Events.Terminated(now, terminated.Input, recurse: true), null));
        }
    }

    /// <summary>The inbox of the next execution: a start of the same workflow with a new execution id, then the carried events.</summary>
    private static List<HistoryEvent> NextExecution(InstanceState state, ExecutionStartedEvent start, CompleteWorkflowAction completion, DateTimeOffset now)
    {
        var restart = Events.New(now);
        restart.ExecutionStarted = new ExecutionStartedEvent
        {
            Name = start.Name,
            Version = completion.NewVersion ?? start.Version,
            Input = completion.Result,
            WorkflowInstance = new WorkflowInstance { InstanceId = state.InstanceId, ExecutionId = Guid.NewGuid().ToString() },
            ParentInstance = start.ParentInstance,
            Tags = { start.Tags },
        };
        return [restart, .. completion.CarryoverEvents];
    }
}
