using Tandem.Protocol.Workflows;
using EventKind = Tandem.Protocol.Workflows.HistoryEvent.EventTypeOneofCase;

namespace Sidecar.Workflows.State;

/// <summary>
/// The history of a rerun (grpc §5.7, RerunWorkflowFromEvent): that of the source up to the event that is done again. What was
/// not resolved before it is done again too.
/// </summary>
internal static class Fork
{
    /// <summary>Throws <see cref="WorkflowException"/> when the event cannot be done again as asked.</summary>
    public static List<HistoryEvent> Build(InstanceState source, RerunWorkflowFromEventRequest request, WorkflowInstance instance, DateTimeOffset now)
    {
        var eventId = unchecked((int)request.EventID);
        var before = source.History.TakeWhile(e => e.EventId != eventId).ToList();
        if (before.Count == source.History.Count)
        {
            throw new WorkflowException(WorkflowError.NotFound, $"workflow '{source.InstanceId}' does not have history event with ID '{request.EventID}'");
        }

        var target = source.History[before.Count];
        Check(target, request);
        var resolved = before.Select(Events.Resolves).ToHashSet();
        List<HistoryEvent> history = [.. before.Select(e => Copy(e, resolved, source.InstanceId, instance)), Again(target.Clone(), source.InstanceId, instance)];
        var again = history[^1];
        again.Timestamp = Events.New(now).Timestamp;
        if (request.OverwriteInput && again.EventTypeCase == EventKind.TaskScheduled)
        {
            again.TaskScheduled.Input = request.Input;
        }
        else if (request.OverwriteInput)
        {
            again.ChildWorkflowInstanceCreated.Input = request.Input;
        }

        if (request.HasNewChildWorkflowInstanceID)
        {
            again.ChildWorkflowInstanceCreated.InstanceId = request.NewChildWorkflowInstanceID;
        }

        return history;
    }

    private static void Check(HistoryEvent target, RerunWorkflowFromEventRequest request)
    {
        if (target.EventTypeCase is not (EventKind.TaskScheduled or EventKind.TimerCreated or EventKind.ChildWorkflowInstanceCreated))
        {
            throw new WorkflowException(
                WorkflowError.NotFound, $"target event '{target.EventTypeCase}' with ID '{request.EventID}' is not an event that can be rerun");
        }

        if (request.OverwriteInput && target.EventTypeCase == EventKind.TimerCreated)
        {
            throw new WorkflowException(WorkflowError.InvalidArgument, $"cannot write input to timer event '{request.EventID}'");
        }

        if (request.HasNewChildWorkflowInstanceID && target.EventTypeCase != EventKind.ChildWorkflowInstanceCreated)
        {
            throw new WorkflowException(
                WorkflowError.InvalidArgument, $"cannot set new child workflow instance ID on event '{request.EventID}', which is no child workflow");
        }
    }

    private static HistoryEvent Copy(HistoryEvent e, HashSet<(Resolution Kind, int Id)?> resolved, string sourceId, WorkflowInstance instance)
    {
        var copy = e.Clone();
        switch (copy.EventTypeCase)
        {
            case EventKind.ExecutionStarted:
                copy.ExecutionStarted.WorkflowInstance = instance.Clone();
                return copy;
            case EventKind.TaskScheduled when !resolved.Contains((Resolution.Task, copy.EventId)):
            case EventKind.TimerCreated when !resolved.Contains((Resolution.Timer, copy.EventId)):
            case EventKind.ChildWorkflowInstanceCreated when !resolved.Contains((Resolution.Child, copy.EventId)):
                return Again(copy, sourceId, instance);
            default:
                return copy;
        }
    }

    /// <summary>Marks what is done again. A child gets an id of its own: that of the source still has its end.</summary>
    private static HistoryEvent Again(HistoryEvent e, string sourceId, WorkflowInstance instance)
    {
        var parent = new RerunParentInstanceInfo { InstanceID = sourceId };
        switch (e.EventTypeCase)
        {
            case EventKind.TaskScheduled:
                e.TaskScheduled.RerunParentInstanceInfo = parent;
                break;
            case EventKind.TimerCreated:
                e.TimerCreated.RerunParentInstanceInfo = parent;
                break;
            default:
                e.ChildWorkflowInstanceCreated.RerunParentInstanceInfo = parent;
                e.ChildWorkflowInstanceCreated.InstanceId = TurnRules.ChildId(instance.InstanceId, e.EventId);
                break;
        }

        return e;
    }
}
