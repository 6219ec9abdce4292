using System.Collections.Concurrent;
using Sidecar.Workflows.State;
using Sidecar.Workflows.Storage;
using Tandem.Protocol.Workflows;

namespace Sidecar.Workflows.Instances;

/// <summary>Where an instance is in its cycle of turns.</summary>
internal enum TurnPhase
{
    /// <summary>Nothing to deliver.</summary>
    Idle,
    /// <summary>Queued for a worker, or waiting for a retry.</summary>
    Ready,
    /// <summary>A worker has the turn.</summary>
    InFlight,
    /// <summary>The worker has answered; the answer is being carried out.</summary>
    Committing,
}

/// <summary>What became of an event that was sent to an instance.</summary>
internal enum Delivery
{
    /// <summary>Durable: in the inbox, or in the history.</summary>
    Stored,
    /// <summary>The instance has ended or knew it already.</summary>
    Dropped,
    NoSuchInstance,
    Stalled,
}

/// <summary>An event on its way into an instance.</summary>
/// <param name="Event">The event.</param>
/// <param name="Kind">How it is kept until it is durable.</param>
/// <param name="ExecutionId">The only execution that it is for, or null for whichever runs.</param>
internal sealed record PendingEvent(HistoryEvent Event, PendingKind Kind, string? ExecutionId = null)
{
    private readonly TaskCompletionSource<Delivery> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<Delivery> Done => _done.Task;

    public bool Settle(Delivery delivery) => _done.TrySetResult(delivery);

    public void Fail(Exception exception) => _done.TrySetException(exception);
}

internal enum PendingKind
{
    /// <summary>Written to the inbox before it is acknowledged; a failed write is the sender's to repeat.</summary>
    Message,
    /// <summary>An activity result: may wait for the commit of the turn it starts, and outlives failed writes.</summary>
    Result,
    /// <summary>Follows from the history (a timer): never written before the turn.</summary>
    Derived,
}

/// <summary>A turn at a worker.</summary>
internal sealed class Turn(Instance instance, string token, InstanceState state, List<HistoryEvent> newEvents, List<PendingEvent> held)
{
    public Instance Instance { get; } = instance;

    public string Token { get; } = token;

    /// <summary>WorkflowStarted and what is delivered.</summary>
    public List<HistoryEvent> NewEvents { get; } = newEvents;

    /// <summary>Events of the turn that are only in memory.</summary>
    public List<PendingEvent> Held { get; } = held;

    /// <summary>Taken back by the engine; it must not reach a worker any more. Set before the dispatcher is told.</summary>
    public bool Withdrawn
    {
        get => Volatile.Read(ref _withdrawn);
        set => Volatile.Write(ref _withdrawn, value);
    }

    private bool _withdrawn;

    /// <summary>Inbox rows that the turn consumes, from the first one on.</summary>
    public int Consumed { get; } = state.Inbox.Count;

    /// <summary>How many streams had been opened when it began: another worker may have what this one lacks.</summary>
    public required int StreamsOpened { get; init; }

    private ulong Generation { get; } = state.Metadata.Generation;

    private ulong HistoryLength { get; } = state.Metadata.HistoryLength;

    private ulong InboxStart { get; } = state.Metadata.InboxStart;

    /// <summary>Whether the instance is still where the turn began; it is not when the state had to be read again and had moved.</summary>
    public bool StillFits(InstanceState? current) => current is not null
        && current.Metadata.Generation == Generation && current.Metadata.HistoryLength == HistoryLength && current.Metadata.InboxStart == InboxStart;
}

/// <summary>The place of one instance in memory. All members are guarded by <see cref="Gate"/>, except as noted.</summary>
internal sealed class Instance(string id)
{
    public string Id { get; } = id;

    public SemaphoreSlim Gate { get; } = new(1, 1);

    /// <summary>Loaded rows, or null when they must be read.</summary>
    public InstanceState? State { get; set; }

    public TurnPhase Phase { get; set; }

    public Turn? Turn { get; set; }

    /// <summary>Events only in memory; they leave with the commit that makes them durable.</summary>
    public List<PendingEvent> Held { get; } = [];

    /// <summary>Events that nobody has looked at; written without the gate.</summary>
    public ConcurrentQueue<PendingEvent> Incoming { get; } = new();

    /// <summary>Store failures in a row.</summary>
    public int Failures { get; set; }

    /// <summary>A retry is scheduled.</summary>
    public bool RetryScheduled { get; set; }

    /// <summary>Callers that wait for a status; guarded by itself.</summary>
    public List<StatusWaiter> Waiters { get; } = [];

    /// <summary>Guarded by the table.</summary>
    public int References { get; set; }

    /// <summary>Place among the idle loaded instances; guarded by the table.</summary>
    public LinkedListNode<Instance>? Idle { get; set; }

    /// <summary>Bytes counted for <see cref="State"/> while idle; guarded by the table.</summary>
    public long Cost { get; set; }
}

/// <summary>A caller that waits until the metadata satisfies it; null metadata: the instance was purged.</summary>
internal sealed class StatusWaiter(Func<InstanceMetadata, bool> condition)
{
    private readonly TaskCompletionSource<InstanceMetadata?> _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<InstanceMetadata?> Reached => _reached.Task;

    public void Offer(InstanceMetadata? metadata)
    {
        if (metadata is null || condition(metadata))
        {
            _reached.TrySetResult(metadata);
        }
    }
}
