using Sidecar.Workflows.Instances;
using Tandem.Protocol.Workflows;

namespace Sidecar.Workflows.Dispatch;

/// <summary>One connected GetWorkItems call. Counters and collections are guarded by the dispatcher.</summary>
internal sealed class WorkStream(string id, bool keepsHistories, Func<WorkItem, CancellationToken, ValueTask> write, CancellationTokenSource lifetime)
{
    /// <summary>The worker's name for the stream; empty when it has none.</summary>
    public string Id { get; } = id;

    public Func<WorkItem, CancellationToken, ValueTask> Write { get; } = write;

    /// <summary>What the worker keeps of histories; null when it keeps none.</summary>
    public KnownHistories? Histories { get; } = keepsHistories ? new KnownHistories() : null;

    /// <summary>Ends the stream.</summary>
    public CancellationTokenSource Lifetime { get; } = lifetime;

    /// <summary>Cancelled when the call ends or must end.</summary>
    public CancellationToken Ended { get; } = lifetime.Token;

    /// <summary>Completes when the call ends, must end, or is drained.</summary>
    public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public bool Closed { get; set; }

    /// <summary>The worker is stopping: it answers what it has and gets nothing more.</summary>
    public bool Draining { get; set; }

    /// <summary>Turns assigned or at the worker.</summary>
    public int TurnCount { get; set; }

    public int ActivityCount { get; set; }

    public HashSet<Turn> Turns { get; } = [];

    public HashSet<ActivityItem> Activities { get; } = [];
}

/// <summary>An activity that is scheduled and has no durable result. The request is read from the instance when a worker is free.</summary>
internal sealed class ActivityItem(IWorkSource source, string instanceId, string executionId, int taskId, string name)
{
    /// <summary>The engine whose workflow it belongs to; the workers may be those of another app.</summary>
    public IWorkSource Source { get; } = source;

    public string InstanceId { get; } = instanceId;

    public string ExecutionId { get; } = executionId;

    public int TaskId { get; } = taskId;

    public string Name { get; } = name;

    /// <summary>Copied from the request, for the result event.</summary>
    public string TaskExecutionId { get; set; } = "";

    /// <summary>Set while a worker has it.</summary>
    public string? Token { get; set; }

    public WorkStream? Stream { get; set; }

    /// <summary>A newer execution uses the same task id; the result will be dropped.</summary>
    public bool Orphaned { get; set; }
}
