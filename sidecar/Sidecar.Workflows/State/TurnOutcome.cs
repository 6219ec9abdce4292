using Tandem.Protocol.Workflows;

namespace Sidecar.Workflows.State;

/// <summary>What a worker's response means: rows to write and things to do. Computed by <see cref="TurnRules"/>.</summary>
internal sealed class TurnOutcome
{
    /// <summary>Appended to the history: the delivered events, then one per action.</summary>
    public List<HistoryEvent> Events { get; } = [];

    public List<HistoryEvent> Tasks { get; } = [];

    public List<HistoryEvent> Timers { get; } = [];

    public List<HistoryEvent> Children { get; } = [];

    /// <summary>Instances to create without a parent, by action id.</summary>
    public List<(string AppId, int ActionId, CreateDetachedWorkflowAction Action)> Detached { get; } = [];

    /// <summary>Events for other instances, sent before the turn commits and again if the turn is repeated.</summary>
    public List<OutgoingEvent> Messages { get; } = [];

    /// <summary>What the parent is told when the turn has ended the instance; sent after the commit, until it is known to have arrived.</summary>
    public OutgoingEvent? ParentNotice { get; set; }

    /// <summary>Events for the instance's own inbox, written with the turn.</summary>
    public List<HistoryEvent> OwnInbox { get; } = [];

    public string? CustomStatus { get; set; }

    /// <summary>The end of the instance, or null.</summary>
    public HistoryEvent? Completed { get; set; }

    /// <summary>The first events of the next execution (start, then carried events) when the workflow continued as new.</summary>
    public List<HistoryEvent>? NextExecution { get; set; }

    /// <summary>Why the instance stalls; then nothing is consumed and nothing else is set.</summary>
    public ExecutionStalledEvent? Stalled { get; init; }
}

/// <summary>An event for another instance.</summary>
/// <param name="AppId">The app whose instance it is.</param>
/// <param name="InstanceId">The receiver.</param>
/// <param name="Event">The event.</param>
/// <param name="ExecutionId">The only execution that it is for, or null.</param>
internal sealed record OutgoingEvent(string AppId, string InstanceId, HistoryEvent Event, string? ExecutionId = null);
