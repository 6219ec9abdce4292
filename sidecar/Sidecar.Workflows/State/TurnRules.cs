using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Tandem.Protocol.Workflows;
using ActionKind = Tandem.Protocol.Workflows.WorkflowAction.WorkflowActionTypeOneofCase;
using EventKind = Tandem.Protocol.Workflows.HistoryEvent.EventTypeOneofCase;

namespace Sidecar.Workflows.State;

/// <summary>Turns a worker's response into history (grpc §5.3). Pure: reads the state, changes nothing.</summary>
internal static class TurnRules
{
    /// <summary>What a worker's answer means. Throws <see cref="FormatException"/> when it makes no sense.</summary>
    /// <param name="state">The instance before the turn.</param>
    /// <param name="newEvents">What the turn delivered, WorkflowStarted first.</param>
    /// <param name="response">The worker's answer.</param>
    /// <param name="appId">The app of the engine.</param>
    /// <param name="now">Timestamp of the new events.</param>
    public static TurnOutcome Apply(InstanceState state, IReadOnlyList<HistoryEvent> newEvents, WorkflowResponse response, string appId, DateTimeOffset now)
    {
        if (VersionRules.StallOf(state, response) is { } stalled)
        {
            return new TurnOutcome { Stalled = stalled };
        }

        var outcome = new TurnOutcome { CustomStatus = response.CustomStatus };
        outcome.Events.AddRange(newEvents);
        if (response.Version is { } version)
        {
            newEvents[0].WorkflowStarted.Version = VersionRules.Unrecorded(version, state.Patches);
        }

        AnswerRules.Check(response.Actions, state);
        var start = StartOf(state, newEvents);
        if (AnswerRules.Completion(response.Actions) is { WorkflowStatus: OrchestrationStatus.ContinuedAsNew } completion)
        {
            outcome.NextExecution = NextExecution(state, start, completion, now);
            return outcome;
        }

        foreach (var action in response.Actions)
        {
            Apply(action, state, start, outcome, appId, now);
        }

        outcome.ParentNotice = ParentNotice(start, outcome.Completed, appId, now);
        return outcome;
    }

    /// <summary>The end of a terminated instance (grpc §5.6), and with it of its children where that was asked for.</summary>
    public static TurnOutcome Terminate(InstanceState state, IReadOnlyList<HistoryEvent> newEvents, string appId, DateTimeOffset now)
    {
        var termination = newEvents.Last(e => e.EventTypeCase == EventKind.ExecutionTerminated).ExecutionTerminated;
        var outcome = End(state, newEvents, appId, now, new ExecutionCompletedEvent
        {
            WorkflowStatus = OrchestrationStatus.Terminated,
            Result = termination.Input,
        });
        if (newEvents.Any(e => e.EventTypeCase == EventKind.ExecutionTerminated && e.ExecutionTerminated.Recurse))
        {
            var resolvedNow = newEvents.Select(Events.Resolves).Where(r => r is { Kind: Resolution.Child }).Select(r => r!.Value.Id).ToHashSet();
            foreach (var child in state.Children.Values.Where(c => !resolvedNow.Contains(c.EventId)))
            {
                outcome.Messages.Add(new OutgoingEvent(
                    Events.TargetApp(child, appId), child.ChildWorkflowInstanceCreated.InstanceId, Events.Terminated(now, termination.Input, recurse: true)));
            }
        }

        return outcome;
    }

    /// <summary>The end of an instance whose worker answers what cannot be carried out: the next worker would get the same turn.</summary>
    public static TurnOutcome Fail(InstanceState state, IReadOnlyList<HistoryEvent> newEvents, string message, string appId, DateTimeOffset now) =>
        End(state, newEvents, appId, now, new ExecutionCompletedEvent
        {
            WorkflowStatus = OrchestrationStatus.Failed,
            FailureDetails = new TaskFailureDetails
            {
                ErrorType = "InvalidWorkerAnswer",
                ErrorMessage = $"The worker's answer cannot be carried out: {message}",
                IsNonRetriable = true,
            },
        });

    private static TurnOutcome End(
        InstanceState state, IReadOnlyList<HistoryEvent> newEvents, string appId, DateTimeOffset now, ExecutionCompletedEvent completed)
    {
        var outcome = new TurnOutcome { CustomStatus = state.CustomStatus };
        outcome.Events.AddRange(newEvents);
        Complete(outcome, Events.New(now), completed);
        outcome.ParentNotice = ParentNotice(StartOf(state, newEvents), outcome.Completed, appId, now);
        return outcome;
    }

    private static ExecutionStartedEvent StartOf(InstanceState state, IReadOnlyList<HistoryEvent> newEvents) =>
        (newEvents.FirstOrDefault(e => e.EventTypeCase == EventKind.ExecutionStarted) ?? state.Started!).ExecutionStarted;

    private static void Apply(
        WorkflowAction action, InstanceState state, ExecutionStartedEvent start, TurnOutcome outcome, string appId, DateTimeOffset now)
    {
        var e = Events.New(now, action.Id);
        if (action.Router is { TargetAppID.Length: > 0 } router && router.TargetAppID != appId)
        {
            e.Router = new TaskRouter { SourceAppID = appId, TargetAppID = router.TargetAppID };
        }

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
                outcome.Tasks.Add(e);
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
                    InstanceId = child.InstanceId.Length > 0 ? child.InstanceId : ChildId(state.InstanceId, action.Id),
                    Name = child.Name,
                    Version = child.Version,
                    Input = child.Input,
                    ParentTraceContext = start.ParentTraceContext,
                    RetryParentInstanceInfo = child.RetryParentInstanceInfo,
                };
                outcome.Events.Add(e);
                outcome.Children.Add(e);
                break;

            case ActionKind.SendEvent:
                var sent = action.SendEvent;
                e.EventSent = new EventSentEvent { InstanceId = sent.Instance.InstanceId, Name = sent.Name, Input = sent.Data };
                outcome.Events.Add(e);
                var raised = Events.EventRaised(now, sent.Name, sent.Data);
                if (e.Router is null && sent.Instance.InstanceId == state.InstanceId)
                {
                    outcome.OwnInbox.Add(raised);
                }
                else
                {
                    outcome.Messages.Add(new OutgoingEvent(Events.TargetApp(e, appId), sent.Instance.InstanceId, raised));
                }

                break;

            case ActionKind.CreateDetachedWorkflow:
                e.DetachedWorkflowInstanceCreated = new DetachedWorkflowInstanceCreatedEvent { InstanceId = action.CreateDetachedWorkflow.InstanceId };
                outcome.Events.Add(e);
                outcome.Detached.Add((Events.TargetApp(e, appId), action.Id, action.CreateDetachedWorkflow));
                break;

            case ActionKind.TerminateWorkflow:
                var target = action.TerminateWorkflow;
                outcome.Messages.Add(new OutgoingEvent(Events.TargetApp(e, appId), target.InstanceId, Events.Terminated(now, target.Reason, target.Recurse)));
                break;

            // The first completion wins.
            case ActionKind.CompleteWorkflow when outcome.Completed is null:
                var completion = action.CompleteWorkflow;
                Complete(outcome, e, new ExecutionCompletedEvent
                {
                    WorkflowStatus = completion.WorkflowStatus,
                    Result = completion.Result,
                    FailureDetails = completion.FailureDetails,
                });
                break;
        }
    }

    /// <summary>The id of a child whose workflow gave none.</summary>
    public static string ChildId(string parentId, int actionId) => $"{parentId}:{actionId.ToString("x4", CultureInfo.InvariantCulture)}";

    private static TimerCreatedEvent TimerCreated(CreateTimerAction action)
    {
        var timer = new TimerCreatedEvent { FireAt = action.FireAt };
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

    /// <summary>What a parent is told of the end of a child; null for an instance that has none, or has not ended.</summary>
    public static OutgoingEvent? ParentNotice(ExecutionStartedEvent start, HistoryEvent? completed, string appId, DateTimeOffset now) =>
        completed is not null && start.ParentInstance is { WorkflowInstance: { } parent } info
            ? new OutgoingEvent(
                info.HasAppID && info.AppID.Length > 0 ? info.AppID : appId,
                parent.InstanceId,
                Events.ChildEnded(now, info.TaskScheduledId, completed.ExecutionCompleted),
                parent.ExecutionId)
            : null;

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
