using Google.Protobuf.WellKnownTypes;
using Tandem.Protocol.Workflows;

namespace Dapr.Workflow.Tests;

/// <summary>
/// The life of one instance, turn by turn: keeps the history as an engine does, so that every turn is a replay of all
/// turns before it.
/// </summary>
internal sealed class Script(FakeEngine engine, string input)
{
    public static readonly DateTime Start = new(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc);

    private readonly List<HistoryEvent> _past = [];
    private readonly List<HistoryEvent> _fresh = [];
    private WorkflowResponse _last = new();
    private int _turn;

    public string InstanceId { get; init; } = "inst1";

    public string ExecutionId { get; init; } = "e1";

    public static HistoryEvent Completed(int id, string? result) =>
        new() { EventId = -1, TaskCompleted = new TaskCompletedEvent { TaskScheduledId = id, Result = result } };

    public static HistoryEvent TaskFailed(int id, string type, string message) => new()
    {
        EventId = -1,
        TaskFailed = new TaskFailedEvent { TaskScheduledId = id, FailureDetails = new TaskFailureDetails { ErrorType = type, ErrorMessage = message } },
    };

    public static HistoryEvent Fired(int id) => new() { EventId = -1, TimerFired = new TimerFiredEvent { TimerId = id } };

    public static HistoryEvent Raised(string name, string? payload) =>
        new() { EventId = -1, EventRaised = new EventRaisedEvent { Name = name, Input = payload } };

    /// <summary>The first turn, with what has arrived before the code has run.</summary>
    public Task<WorkflowResponse> StartAsync(params HistoryEvent[] arrived) => TurnAsync(
    [
        new HistoryEvent
        {
            EventId = -1,
            ExecutionStarted = new ExecutionStartedEvent
            {
                Name = "Order",
                Input = input,
                WorkflowInstance = new WorkflowInstance { InstanceId = InstanceId, ExecutionId = ExecutionId },
            },
        },
        .. arrived,
    ]);

    public async Task<WorkflowResponse> TurnAsync(params HistoryEvent[] arrived)
    {
        _past.AddRange(_fresh);
        _past.AddRange(_last.Actions.Select(Recorded).OfType<HistoryEvent>());
        _fresh.Clear();
        _fresh.Add(new HistoryEvent
        {
            EventId = -1,
            Timestamp = Timestamp.FromDateTime(Start.AddMinutes(_turn++)),
            WorkflowStarted = new WorkflowStartedEvent(),
        });
        _fresh.AddRange(arrived);
        _last = await engine.TurnAsync(new WorkflowRequest
        {
            InstanceId = InstanceId, ExecutionId = ExecutionId, PastEvents = { _past }, NewEvents = { _fresh },
        });
        if (_last.Version is { } version)
        {
            _fresh[0].WorkflowStarted.Version = version;
        }

        return _last;
    }

    private static HistoryEvent? Recorded(WorkflowAction action) => action.WorkflowActionTypeCase switch
    {
        WorkflowAction.WorkflowActionTypeOneofCase.ScheduleTask => new HistoryEvent
        {
            EventId = action.Id,
            TaskScheduled = new TaskScheduledEvent { Name = action.ScheduleTask.Name, TaskExecutionId = action.ScheduleTask.TaskExecutionId },
        },
        WorkflowAction.WorkflowActionTypeOneofCase.CreateTimer => new HistoryEvent
        {
            EventId = action.Id, TimerCreated = new TimerCreatedEvent { FireAt = action.CreateTimer.FireAt },
        },
        WorkflowAction.WorkflowActionTypeOneofCase.CreateChildWorkflow => new HistoryEvent
        {
            EventId = action.Id,
            ChildWorkflowInstanceCreated = new ChildWorkflowInstanceCreatedEvent
            {
                Name = action.CreateChildWorkflow.Name, InstanceId = action.CreateChildWorkflow.InstanceId,
            },
        },
        WorkflowAction.WorkflowActionTypeOneofCase.SendEvent => new HistoryEvent
        {
            EventId = action.Id, EventSent = new EventSentEvent { Name = action.SendEvent.Name },
        },
        _ => null,
    };
}
