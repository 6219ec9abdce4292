using Sidecar.Abstractions;

namespace Sidecar.Components.Broker;

/// <summary>How a pub/sub component keeps and hands out messages; read from its metadata.</summary>
internal sealed record BrokerPolicy
{
    /// <summary>Metadata <c>concurrency</c>: most handlers of one subscription that run at a time. Default 10.</summary>
    public int Concurrency { get; init; } = 10;

    /// <summary>
    /// Metadata <c>queueDepth</c>: most messages that one subscription holds. Nothing is fetched before a handler is free,
    /// so it matters only below <see cref="Concurrency"/>. Default 100.
    /// </summary>
    public int QueueDepth { get; init; } = 100;

    /// <summary>Handlers of one subscription that can run at a time.</summary>
    public int MaxHandlers => Math.Min(Concurrency, QueueDepth);

    /// <summary>
    /// Metadata <c>maxLenApprox</c>: when given, a topic keeps its newest N messages whatever a group has not acknowledged.
    /// Not given (0): only a topic without a lasting group is bounded, by <see cref="DefaultMaxLength"/>.
    /// </summary>
    public int MaxLength { get; init; }

    /// <summary>Metadata <c>redeliverInterval</c>: pause before a message whose handler failed is delivered again. Default 15 s.</summary>
    public TimeSpan RedeliverInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Metadata <c>processingTimeout</c>: an attempt to deliver that takes longer has failed. Default 60 s, 0 for no limit.</summary>
    public TimeSpan ProcessingTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Metadata <c>returnPause</c>: a subscription that returned a message gets nothing for so long, while others of its group
    /// take over at once. Keeps an absent app from being asked in a tight loop. Default 1 s.
    /// </summary>
    public TimeSpan ReturnPause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Metadata <c>retention</c>: how long a message that all lasting groups acknowledged is kept for groups to come. Default
    /// 24 h.
    /// </summary>
    public TimeSpan Retention { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Metadata <c>retainedMessages</c>: most acknowledged messages kept per topic for groups to come. Default 1000.</summary>
    public int RetainedMessages { get; init; } = 1000;

    /// <summary>Most bytes of acknowledged messages kept per topic for groups to come: 16 MiB.</summary>
    public long RetainedBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>
    /// Metadata <c>maxBacklog</c>: publishing fails while so many messages of a topic are not acknowledged. They are in memory, in at
    /// most 200 bytes each beside their own. Default 100,000.
    /// </summary>
    public int MaxBacklog { get; init; } = 100_000;

    /// <summary>
    /// Metadata <c>maxBacklogBytes</c>: publishing fails while the messages of a topic that are not acknowledged, all of them in memory,
    /// have so many bytes. Default 256 MiB.
    /// </summary>
    public long MaxBacklogBytes { get; init; } = DefaultMaxBacklogBytes;

    /// <summary>
    /// Metadata <c>ephemeral</c>: a group lives as long as its subscriptions and starts at the end of the topic; a message that
    /// all present groups have handled is dropped at once. For broadcast, with consumerID <c>{uuid}</c>. Default false.
    /// </summary>
    public bool Ephemeral { get; init; }

    private const int DefaultMaxBacklogBytes = 256 * 1024 * 1024;

    /// <summary>Length that bounds topics without a lasting group: 10,000.</summary>
    public const int DefaultMaxLength = 10_000;

    /// <summary>No bounds.</summary>
    public static readonly BrokerPolicy KeepAll = new()
    {
        MaxLength = int.MaxValue,
        Retention = TimeSpan.MaxValue,
        RetainedMessages = int.MaxValue,
        RetainedBytes = long.MaxValue,
    };

    public static BrokerPolicy Parse(ComponentMetadata metadata) => new()
    {
        Concurrency = Positive(metadata, "concurrency", 10),
        QueueDepth = Positive(metadata, "queueDepth", 100),
        MaxLength = metadata.Int("maxLenApprox", 0),
        RedeliverInterval = metadata.Duration("redeliverInterval", TimeSpan.FromSeconds(15)),
        ProcessingTimeout = metadata.Duration("processingTimeout", TimeSpan.FromSeconds(60)),
        ReturnPause = metadata.Duration("returnPause", TimeSpan.FromSeconds(1)),
        Retention = metadata.Duration("retention", TimeSpan.FromHours(24)),
        RetainedMessages = metadata.Int("retainedMessages", 1000),
        MaxBacklog = Positive(metadata, "maxBacklog", 100_000),
        MaxBacklogBytes = Positive(metadata, "maxBacklogBytes", DefaultMaxBacklogBytes),
        Ephemeral = metadata.Bool("ephemeral", false),
    };

    private static int Positive(ComponentMetadata metadata, string name, int defaultValue) =>
        metadata.Int(name, defaultValue) is > 0 and var value
            ? value
            : throw new ComponentException($"metadata '{name}' must be at least 1");
}
