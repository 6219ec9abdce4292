using Google.Protobuf.WellKnownTypes;
using Tandem.Protocol.Workflows;

namespace Dashboard.Tests;

public sealed class WorkflowStepsTests
{
    private static readonly DateTimeOffset Begin = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void What_was_scheduled_is_joined_with_its_end()
    {
        var steps = WorkflowSteps.Of(
        [
            At(0, new HistoryEvent { WorkflowStarted = new() }),
            At(0, new HistoryEvent { EventId = 0, TaskScheduled = new() { Name = "Pack" } }),
            At(0, new HistoryEvent { EventId = 1, TaskScheduled = new() { Name = "Weigh" } }),
            At(0, new HistoryEvent { EventId = 2, TimerCreated = new() { FireAt = Timestamp.FromDateTimeOffset(Begin.AddSeconds(5)) } }),
            At(3, new HistoryEvent { EventId = -1, TaskFailed = new() { TaskScheduledId = 1, FailureDetails = new() { ErrorMessage = "no scale" } } }),
            At(4, new HistoryEvent { EventId = -1, TaskCompleted = new() { TaskScheduledId = 0, Result = "1" } }),
        ]);

        Assert.Equal(
            [("activity", "Pack", "completed", 4, "1"), ("activity", "Weigh", "failed", 3, "no scale"), ("timer", "due 2026-01-01T00:00:05.0000000+00:00", "running", null, null)],
            steps.Select(step => (step.Kind, step.Name, step.Outcome, (int?)(step.End - step.Start)?.TotalSeconds, step.Output)));
    }

    [Fact]
    public void A_workflow_that_was_stopped_says_so()
    {
        var steps = WorkflowSteps.Of(
        [
            At(0, new HistoryEvent { ExecutionSuspended = new() }),
            At(1, new HistoryEvent { ExecutionCompleted = new() { WorkflowStatus = OrchestrationStatus.Terminated } }),
        ]);

        Assert.Equal([("control", "ExecutionSuspended", "completed"), ("workflow", "Terminated", "failed")], steps.Select(step => (step.Kind, step.Name, step.Outcome)));
    }

    private static HistoryEvent At(int seconds, HistoryEvent entry)
    {
        entry.Timestamp = Timestamp.FromDateTimeOffset(Begin.AddSeconds(seconds));
        return entry;
    }
}
