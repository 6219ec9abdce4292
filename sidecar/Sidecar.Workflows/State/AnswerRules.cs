using System.Globalization;
using Tandem.Protocol.Workflows;
using ActionKind = Tandem.Protocol.Workflows.WorkflowAction.WorkflowActionTypeOneofCase;
using EventKind = Tandem.Protocol.Workflows.HistoryEvent.EventTypeOneofCase;

namespace Sidecar.Workflows.State;

/// <summary>Which answers of a worker can be carried out (grpc §5.3). The others end their instance, and nothing else.</summary>
internal static class AnswerRules
{
    public static CompleteWorkflowAction? Completion(IEnumerable<WorkflowAction> actions) =>
        actions.FirstOrDefault(a => a.WorkflowActionTypeCase == ActionKind.CompleteWorkflow)?.CompleteWorkflow;

    /// <summary>Throws <see cref="FormatException"/> with a sentence that names the action.</summary>
    public static void Check(IReadOnlyList<WorkflowAction> actions, InstanceState state)
    {
        var completes = Completion(actions) is not null;
        HashSet<int>? ids = null;
        foreach (var action in actions)
        {
            if (Fault(action) is { } fault)
            {
                throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"action {action.Id} {fault}"));
            }

            // What a workflow leaves behind when it ends may be anything.
            if (!completes && action.WorkflowActionTypeCase != ActionKind.TerminateWorkflow && (state.Knows(action.Id) || !(ids ??= []).Add(action.Id)))
            {
                throw new FormatException(string.Create(
                    CultureInfo.InvariantCulture, $"the id of action {action.Id} ({action.WorkflowActionTypeCase}) is taken by an earlier action; is the workflow deterministic?"));
            }
        }
    }

    private static string? Fault(WorkflowAction action) => action.WorkflowActionTypeCase switch
    {
        ActionKind.None => "is of no kind that is known here",
        ActionKind.ScheduleTask when action.ScheduleTask.Name.Length == 0 => "schedules an activity without a name",
        ActionKind.CreateChildWorkflow when action.CreateChildWorkflow.Name.Length == 0 => "creates a child workflow without a name",
        ActionKind.CreateTimer when action.CreateTimer.FireAt is null => "creates a timer without a time",
        ActionKind.CreateTimer when action.CreateTimer.FireAt.Nanos is < 0 or > 999_999_999 =>
            string.Create(CultureInfo.InvariantCulture, $"creates a timer whose time has {action.CreateTimer.FireAt.Nanos} nanoseconds"),
        ActionKind.SendEvent when action.SendEvent is { Name.Length: 0 } or not { Instance.InstanceId.Length: > 0 } =>
            "sends an event without a name or an instance id",
        ActionKind.CreateDetachedWorkflow when action.CreateDetachedWorkflow is { Name.Length: 0 } or { InstanceId.Length: 0 } =>
            "creates a detached workflow without a name or an instance id",
        ActionKind.TerminateWorkflow when action.TerminateWorkflow.InstanceId.Length == 0 => "terminates a workflow without an instance id",
        ActionKind.CompleteWorkflow => Fault(action.CompleteWorkflow),
        _ => null,
    };

    private static string? Fault(CompleteWorkflowAction completion) =>
        completion.WorkflowStatus == OrchestrationStatus.ContinuedAsNew
            ? completion.CarryoverEvents.Any(e => e.EventTypeCase != EventKind.EventRaised) ? "carries over events that are no external events" : null
        : InstanceState.IsTerminal(completion.WorkflowStatus) ? null
        : $"ends the workflow with status {completion.WorkflowStatus}, which is no end";
}
