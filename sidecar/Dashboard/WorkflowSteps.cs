using Google.Protobuf.WellKnownTypes;
using Tandem.Protocol.Workflows;
using Kind = Tandem.Protocol.Workflows.HistoryEvent.EventTypeOneofCase;

namespace Dashboard;

/// <summary>One thing that a workflow did or that happened to it.</summary>
/// <param name="Kind"><c>workflow</c>, <c>activity</c>, <c>timer</c>, <c>child</c>, <c>event</c> or <c>control</c>.</param>
/// <param name="Name">Of the activity, child or event; of a timer when it is due.</param>
/// <param name="Outcome"><c>running</c>, <c>completed</c> or <c>failed</c>.</param>
/// <param name="Start">When it was scheduled, or happened.</param>
/// <param name="End">When its end was recorded; null while it runs.</param>
/// <param name="Input">JSON, or null.</param>
/// <param name="Output">JSON of the result, the message of a failure, or null.</param>
internal sealed record WorkflowStep(string Kind, string Name, string Outcome, DateTimeOffset Start, DateTimeOffset? End, string? Input, string? Output);

/// <summary>The history of a workflow as its reader thinks of it: what was scheduled together with what came of it (grpc §4.3).</summary>
internal static class WorkflowSteps
{
    /// <summary>In the order in which they began. Turns (<c>WorkflowStarted</c>, <c>WorkflowCompleted</c>) are the engine's and left out.</summary>
    public static IReadOnlyList<WorkflowStep> Of(IEnumerable<HistoryEvent> history)
    {
        var steps = new List<WorkflowStep>();
        var open = new Dictionary<int, int>();
        foreach (var entry in history)
        {
            var at = entry.Timestamp?.ToDateTimeOffset() ?? default;
            switch (entry.EventTypeCase)
            {
                case Kind.TaskScheduled:
                    Begin(entry.EventId, "activity", entry.TaskScheduled.Name, at, entry.TaskScheduled.Input);
                    break;
                case Kind.ChildWorkflowInstanceCreated:
                    Begin(entry.EventId, "child", $"{entry.ChildWorkflowInstanceCreated.Name} {entry.ChildWorkflowInstanceCreated.InstanceId}", at, entry.ChildWorkflowInstanceCreated.Input);
                    break;
                case Kind.TimerCreated:
                    Begin(entry.EventId, "timer", Due(entry.TimerCreated.FireAt), at, null);
                    break;
                case Kind.TaskCompleted:
                    End(entry.TaskCompleted.TaskScheduledId, "completed", at, entry.TaskCompleted.Result);
                    break;
                case Kind.TaskFailed:
                    End(entry.TaskFailed.TaskScheduledId, "failed", at, entry.TaskFailed.FailureDetails?.ErrorMessage);
                    break;
                case Kind.ChildWorkflowInstanceCompleted:
                    End(entry.ChildWorkflowInstanceCompleted.TaskScheduledId, "completed", at, entry.ChildWorkflowInstanceCompleted.Result);
                    break;
                case Kind.ChildWorkflowInstanceFailed:
                    End(entry.ChildWorkflowInstanceFailed.TaskScheduledId, "failed", at, entry.ChildWorkflowInstanceFailed.FailureDetails?.ErrorMessage);
                    break;
                case Kind.TimerFired:
                    End(entry.TimerFired.TimerId, "completed", at, null);
                    break;
                case Kind.ExecutionStarted:
                    Happened("workflow", $"{entry.ExecutionStarted.Name} started", "completed", at, entry.ExecutionStarted.Input, null);
                    break;
                case Kind.ExecutionCompleted:
                    var failed = entry.ExecutionCompleted.WorkflowStatus != OrchestrationStatus.Completed;
                    Happened(
                        "workflow", entry.ExecutionCompleted.WorkflowStatus.ToString(), failed ? "failed" : "completed", at, null,
                        entry.ExecutionCompleted.FailureDetails?.ErrorMessage ?? entry.ExecutionCompleted.Result);
                    break;
                case Kind.EventRaised:
                    Happened("event", entry.EventRaised.Name, "completed", at, entry.EventRaised.Input, null);
                    break;
                case Kind.EventSent:
                    Happened("event", $"{entry.EventSent.Name} to {entry.EventSent.InstanceId}", "completed", at, entry.EventSent.Input, null);
                    break;
                case Kind.WorkflowStarted or Kind.WorkflowCompleted or Kind.None:
                    break;
                default:
                    Happened("control", entry.EventTypeCase.ToString(), "completed", at, null, null);
                    break;
            }
        }

        return steps;

        void Begin(int id, string kind, string name, DateTimeOffset at, string? input)
        {
            open[id] = steps.Count;
            steps.Add(new WorkflowStep(kind, name, "running", at, null, input, null));
        }

        void End(int id, string outcome, DateTimeOffset at, string? output)
        {
            if (open.Remove(id, out var index))
            {
                steps[index] = steps[index] with { Outcome = outcome, End = at, Output = output };
            }
        }

        void Happened(string kind, string name, string outcome, DateTimeOffset at, string? input, string? output) =>
            steps.Add(new WorkflowStep(kind, name, outcome, at, at, input, output));
    }

    private static string Due(Timestamp? at) => at is null ? "" : $"due {at.ToDateTimeOffset():O}";
}
