using Google.Protobuf.WellKnownTypes;
using Tandem.Protocol.Workflows;
using EventKind = Tandem.Protocol.Workflows.HistoryEvent.EventTypeOneofCase;

namespace Sidecar.Workflows.State;

/// <summary>History events that the engine makes itself. Events that no action caused have eventId -1.</summary>
internal static class Events
{
    public static HistoryEvent New(DateTimeOffset now, int eventId = -1) =>
        new() { EventId = eventId, Timestamp = Timestamp.FromDateTimeOffset(now) };

    public static HistoryEvent WorkflowStarted(DateTimeOffset now)
    {
        var e = New(now);
        e.WorkflowStarted = new WorkflowStartedEvent();
        return e;
    }

    public static HistoryEvent EventRaised(DateTimeOffset now, string name, string? input)
    {
        var e = New(now);
        e.EventRaised = new EventRaisedEvent { Name = name, Input = input };
        return e;
    }

    public static HistoryEvent Terminated(DateTimeOffset now, string? output, bool recurse)
    {
        var e = New(now);
        e.ExecutionTerminated = new ExecutionTerminatedEvent { Input = output, Recurse = recurse };
        return e;
    }

    public static HistoryEvent TimerFired(DateTimeOffset now, HistoryEvent timer)
    {
        var e = New(now);
        e.TimerFired = new TimerFiredEvent { TimerId = timer.EventId, FireAt = timer.TimerCreated.FireAt };
        return e;
    }

    public static HistoryEvent ChildFailed(DateTimeOffset now, int taskId, TaskFailureDetails? failure)
    {
        var e = New(now);
        e.ChildWorkflowInstanceFailed = new ChildWorkflowInstanceFailedEvent { TaskScheduledId = taskId, FailureDetails = failure };
        return e;
    }

    /// <summary>The app that an activity or a child workflow was routed to.</summary>
    public static string TargetApp(HistoryEvent e, string ownAppId) => e.Router is { TargetAppID.Length: > 0 } router ? router.TargetAppID : ownAppId;

    /// <summary>The result of an activity as the event that the workflow sees.</summary>
    public static HistoryEvent ActivityResult(DateTimeOffset now, ActivityResponse response, string taskExecutionId)
    {
        var e = New(now);
        if (response.FailureDetails is { } failure)
        {
            e.TaskFailed = new TaskFailedEvent { TaskScheduledId = response.TaskId, FailureDetails = failure, TaskExecutionId = taskExecutionId };
        }
        else
        {
            e.TaskCompleted = new TaskCompletedEvent { TaskScheduledId = response.TaskId, Result = response.Result, TaskExecutionId = taskExecutionId };
        }

        return e;
    }

    /// <summary>What the parent is told when a child ends.</summary>
    public static HistoryEvent ChildEnded(DateTimeOffset now, int taskId, ExecutionCompletedEvent completed)
    {
        if (completed.WorkflowStatus != OrchestrationStatus.Completed)
        {
            return ChildFailed(now, taskId, completed.FailureDetails ?? new TaskFailureDetails
            {
                ErrorType = "ChildWorkflow" + completed.WorkflowStatus,
                ErrorMessage = $"The child workflow ended as {completed.WorkflowStatus}",
            });
        }

        var e = New(now);
        e.ChildWorkflowInstanceCompleted = new ChildWorkflowInstanceCompletedEvent { TaskScheduledId = taskId, Result = completed.Result };
        return e;
    }

    /// <summary>Whether a termination is among the events.</summary>
    public static bool IsTerminated(List<HistoryEvent> events) => events.Exists(e => e.EventTypeCase == EventKind.ExecutionTerminated);

    /// <summary>The kind and id that an event resolves, or null when it resolves nothing.</summary>
    public static (Resolution Kind, int Id)? Resolves(HistoryEvent e) => e.EventTypeCase switch
    {
        EventKind.TaskCompleted => (Resolution.Task, e.TaskCompleted.TaskScheduledId),
        EventKind.TaskFailed => (Resolution.Task, e.TaskFailed.TaskScheduledId),
        EventKind.TimerFired => (Resolution.Timer, e.TimerFired.TimerId),
        EventKind.ChildWorkflowInstanceCompleted => (Resolution.Child, e.ChildWorkflowInstanceCompleted.TaskScheduledId),
        EventKind.ChildWorkflowInstanceFailed => (Resolution.Child, e.ChildWorkflowInstanceFailed.TaskScheduledId),
        _ => null,
    };
}

/// <summary>What an event can resolve.</summary>
internal enum Resolution
{
    Task,
    Timer,
    Child,
}
