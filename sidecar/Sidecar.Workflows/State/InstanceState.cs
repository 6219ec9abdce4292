using Sidecar.Workflows.Storage;
using Tandem.Protocol.Workflows;
using EventKind = Tandem.Protocol.Workflows.HistoryEvent.EventTypeOneofCase;

namespace Sidecar.Workflows.State;

/// <summary>
/// What is known of one instance: its stored rows and what follows from its history. Changes only after the store has
/// accepted the same change; on any doubt it is dropped and read again.
/// </summary>
internal sealed class InstanceState
{
    private readonly Dictionary<int, HistoryEvent> _tasks = [];
    private readonly Dictionary<int, HistoryEvent> _timers = [];
    private readonly Dictionary<int, HistoryEvent> _children = [];
    private readonly List<HistoryEvent> _history = [];
    private readonly HashSet<int> _actions = [];
    private readonly List<string> _patches = [];

    public InstanceState(string instanceId, InstanceMetadata metadata, byte[] metadataBytes)
    {
        InstanceId = instanceId;
        Metadata = metadata;
        MetadataBytes = metadataBytes;
    }

    public string InstanceId { get; }

    public InstanceMetadata Metadata { get; set; }

    /// <summary>The stored form of <see cref="Metadata"/>; a row that differs was written by somebody else.</summary>
    public byte[] MetadataBytes { get; set; }

    public string ExecutionId => Metadata.ExecutionId;

    public IReadOnlyList<HistoryEvent> History => _history;

    /// <summary>Stored events that no committed turn has consumed, oldest first; the first has index <c>inboxStart</c>.</summary>
    public List<HistoryEvent> Inbox { get; } = [];

    public string? CustomStatus { get; set; }

    public HistoryEvent? Started { get; private set; }

    public HistoryEvent? Completed { get; private set; }

    public bool IsSuspended { get; private set; }

    /// <summary>Scheduled and unresolved, by event id.</summary>
    public IReadOnlyDictionary<int, HistoryEvent> Tasks => _tasks;

    public IReadOnlyDictionary<int, HistoryEvent> Timers => _timers;

    public IReadOnlyDictionary<int, HistoryEvent> Children => _children;

    /// <summary>The patches that the history records, in the order in which they were applied.</summary>
    public IReadOnlyList<string> Patches => _patches;

    /// <summary>The name that workers gave the version of the workflow; empty when none did.</summary>
    public string VersionName { get; private set; } = "";

    public OrchestrationStatus Status => (OrchestrationStatus)Metadata.Status;

    public bool HasEnded => IsTerminal(Status);

    /// <summary>Serialized size of the history, bytes.</summary>
    public long HistoryBytes { get; private set; }

    public static bool IsTerminal(OrchestrationStatus status) =>
        status is OrchestrationStatus.Completed or OrchestrationStatus.Failed or OrchestrationStatus.Terminated or OrchestrationStatus.Canceled;

    public bool IsPending(Resolution kind, int id) => Pending(kind).ContainsKey(id);

    /// <summary>Whether the history has an action with this id.</summary>
    public bool Knows(int actionId) => _actions.Contains(actionId);

    public void Append(IEnumerable<HistoryEvent> events)
    {
        foreach (var e in events)
        {
            _history.Add(e);
            HistoryBytes += e.CalculateSize();
            Index(e);
        }
    }

    /// <summary>Forgets the execution; continue-as-new starts with an empty history.</summary>
    public void Clear()
    {
        _history.Clear();
        _tasks.Clear();
        _timers.Clear();
        _children.Clear();
        _actions.Clear();
        _patches.Clear();
        VersionName = "";
        Started = Completed = null;
        IsSuspended = false;
        HistoryBytes = 0;
    }

    /// <summary>
    /// The candidates that a turn may deliver, in order. Dropped are a second start, what resolves nothing pending, a
    /// second resolution, and everything after the end: their senders repeat themselves after crashes.
    /// </summary>
    public List<HistoryEvent> Deliverable(IEnumerable<HistoryEvent> candidates)
    {
        var accepted = new List<HistoryEvent>();
        if (HasEnded)
        {
            return accepted;
        }

        var started = Started is not null;
        HashSet<(Resolution, int)>? resolved = null;
        foreach (var e in candidates)
        {
            if (e.EventTypeCase == EventKind.ExecutionStarted)
            {
                if (started)
                {
                    continue;
                }

                started = true;
            }
            else if (Events.Resolves(e) is { } resolution)
            {
                if (!IsPending(resolution.Kind, resolution.Id) || !(resolved ??= []).Add(resolution))
                {
                    continue;
                }
            }

            accepted.Add(e);
        }

        return started ? accepted : [];
    }

    private Dictionary<int, HistoryEvent> Pending(Resolution kind) => kind switch
    {
        Resolution.Task => _tasks,
        Resolution.Timer => _timers,
        _ => _children,
    };

    private void Index(HistoryEvent e)
    {
        if (e.EventTypeCase is EventKind.TaskScheduled or EventKind.TimerCreated or EventKind.ChildWorkflowInstanceCreated
            or EventKind.EventSent or EventKind.DetachedWorkflowInstanceCreated)
        {
            _actions.Add(e.EventId);
        }

        switch (e.EventTypeCase)
        {
            case EventKind.WorkflowStarted when e.WorkflowStarted.Version is { } version:
                _patches.AddRange(version.Patches);
                VersionName = version.HasName ? version.Name : VersionName;
                break;
            case EventKind.ExecutionStarted: Started ??= e; break;
            case EventKind.ExecutionCompleted: Completed ??= e; break;
            case EventKind.ExecutionSuspended: IsSuspended = true; break;
            case EventKind.ExecutionResumed: IsSuspended = false; break;
            case EventKind.TaskScheduled: _tasks[e.EventId] = e; break;
            case EventKind.TimerCreated: _timers[e.EventId] = e; break;
            case EventKind.ChildWorkflowInstanceCreated: _children[e.EventId] = e; break;
            default:
                if (Events.Resolves(e) is { } resolution)
                {
                    Pending(resolution.Kind).Remove(resolution.Id);
                }

                break;
        }
    }
}
