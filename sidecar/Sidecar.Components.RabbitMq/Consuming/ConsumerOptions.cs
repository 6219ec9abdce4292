using RabbitMQ.Client;

namespace Sidecar.Components.RabbitMq.Consuming;

/// <summary>How a queue is consumed.</summary>
internal sealed record ConsumerOptions
{
    public required string Queue { get; init; }

    /// <summary>Makes the queue and what it needs; on a new channel after every loss.</summary>
    public required Func<IChannel, CancellationToken, Task> DeclareAsync { get; init; }

    /// <summary>Most messages that the broker hands over without an acknowledgement.</summary>
    public required int Prefetch { get; init; }

    /// <summary>Most handlers that run at a time, also across a reconnect.</summary>
    public required int MaxHandlers { get; init; }

    /// <summary>Whether the queue goes with its last consumer; such a consumer must not pause.</summary>
    public bool DeletedWhenUnused { get; init; }

    /// <summary>Whether a message is acknowledged before it is handled.</summary>
    public bool AutoAck { get; init; }

    /// <summary>Whether a failed message goes back to the queue; else it is dropped, or goes to the queue's dead-letter exchange.</summary>
    public bool Requeue { get; init; } = true;

    /// <summary>Pause before a failed message goes back. It is the consumer's until then, so that no other is asked at once.</summary>
    public required TimeSpan RedeliverInterval { get; init; }

    /// <summary>How long a consumer that gave a message back gets nothing.</summary>
    public required TimeSpan ReturnPause { get; init; }

    /// <summary>Pause between two tries to consume again.</summary>
    public required TimeSpan ReconnectWait { get; init; }
}
