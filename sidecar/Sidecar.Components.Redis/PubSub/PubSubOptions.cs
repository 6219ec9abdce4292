using Sidecar.Abstractions;

namespace Sidecar.Components.Redis.PubSub;

/// <summary>Metadata of <c>pubsub.redis</c> beside that of the connection (dapr/config §8, defaults of §8.1).</summary>
internal sealed record PubSubOptions
{
    /// <summary>
    /// Idle time of a message that its consumer has handed back: longer than any message waits, so that whoever looks, with whatever
    /// <c>processingTimeout</c>, takes it at once.
    /// </summary>
    public static readonly TimeSpan ReturnedIdle = TimeSpan.FromDays(365);

    /// <summary>Nothing is done more often than this, however short the times are.</summary>
    private static readonly TimeSpan ShortestInterval = TimeSpan.FromMilliseconds(10);

    private static readonly TimeSpan DefaultRedeliverInterval = TimeSpan.FromSeconds(15);

    /// <summary><c>consumerID</c>: name of the consumer group; by default the app id.</summary>
    public required string Group { get; init; }

    /// <summary>
    /// <c>ephemeral</c>, which a <c>consumerID</c> of <c>{uuid}</c> implies: the group begins at the end of the stream and ends with its
    /// subscription. Default false.
    /// </summary>
    public bool Ephemeral { get; init; }

    /// <summary><c>concurrency</c>: most handlers of a subscription that run at a time. Default 10.</summary>
    public int Concurrency { get; init; }

    /// <summary>
    /// <c>queueDepth</c>: most messages that a subscription holds. Default 100. Nothing is read before a handler is free for it, so it
    /// matters only below <see cref="Concurrency"/>.
    /// </summary>
    public int QueueDepth { get; init; }

    /// <summary>Messages that a subscription holds at most.</summary>
    public int MaxHandlers => Math.Min(Concurrency, QueueDepth);

    /// <summary>
    /// <c>processingTimeout</c>: a message whose consumer has not been heard of for so long goes to another one; an attempt to deliver
    /// that takes longer has failed. Default 60 s; 0: messages of dead consumers stay with them.
    /// </summary>
    public TimeSpan ProcessingTimeout { get; init; }

    /// <summary><c>redeliverInterval</c>: after it a failed message is delivered again. Default 15 s; 0: it is not.</summary>
    public TimeSpan RedeliverInterval { get; init; }

    /// <summary><c>maxLenApprox</c>: a publish trims the stream to about so many messages. Default 0: not.</summary>
    public int MaxLenApprox { get; init; }

    /// <summary><c>streamTTL</c>: a publish trims what is older; <c>maxLenApprox</c> wins over it. Default 0: not.</summary>
    public TimeSpan StreamTtl { get; init; }

    /// <summary>
    /// Idle time from which a pending message may be claimed. A failed one is given the idle time that it still has to wait less, which
    /// is why this cannot be less than its wait.
    /// </summary>
    public TimeSpan ClaimAfter => Redelivers ? Max(ProcessingTimeout, RedeliverInterval) : ReturnedIdle;

    /// <summary>Idle time of a message that has just failed.</summary>
    public TimeSpan FailedIdle => Redelivers ? ClaimAfter - RedeliverInterval : TimeSpan.Zero;

    /// <summary>Pause between two looks for messages to claim: a redelivery is late by at most a quarter.</summary>
    public TimeSpan ClaimInterval => Max(ShortestInterval, (RedeliverInterval > TimeSpan.Zero ? RedeliverInterval : DefaultRedeliverInterval) / 4);

    /// <summary>How often the messages that are being handled are kept from the others; null: nobody would claim them.</summary>
    public TimeSpan? KeepInterval => Redelivers ? Max(ShortestInterval, ProcessingTimeout / 3) : null;

    private bool Redelivers => ProcessingTimeout > TimeSpan.Zero && RedeliverInterval > TimeSpan.Zero;

    public static PubSubOptions Parse(ComponentMetadata metadata, string appId) => new()
    {
        Group = metadata["consumerID"] is { Length: > 0 } id ? id : appId,
        Ephemeral = metadata.Bool("ephemeral", false),
        Concurrency = AtLeast(1, metadata, "concurrency", 10),
        QueueDepth = AtLeast(1, metadata, "queueDepth", 100),
        ProcessingTimeout = NotNegative(metadata, "processingTimeout", TimeSpan.FromSeconds(60)),
        RedeliverInterval = NotNegative(metadata, "redeliverInterval", DefaultRedeliverInterval),
        MaxLenApprox = AtLeast(0, metadata, "maxLenApprox", 0),
        StreamTtl = NotNegative(metadata, "streamTTL", TimeSpan.Zero),
    };

    private static int AtLeast(int least, ComponentMetadata metadata, string name, int defaultValue) =>
        metadata.Int(name, defaultValue) is var value && value >= least
            ? value
            : throw new ComponentException($"metadata '{name}' must be at least {least}");

    private static TimeSpan NotNegative(ComponentMetadata metadata, string name, TimeSpan defaultValue) =>
        metadata.Duration(name, defaultValue) is var value && value >= TimeSpan.Zero
            ? value
            : throw new ComponentException($"metadata '{name}' must not be negative");

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
