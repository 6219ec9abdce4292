using RabbitMQ.Client;
using Sidecar.Abstractions;
using Sidecar.Components.RabbitMq.Publishing;

namespace Sidecar.Components.RabbitMq;

/// <summary>Metadata of <c>pubsub.rabbitmq</c> (dapr/config §8), and five names of our own: <c>mandatory</c>, <c>publishTimeout</c>,
/// <c>processingTimeout</c>, <c>redeliverInterval</c>, <c>returnPause</c>.</summary>
internal sealed record PubSubOptions
{
    /// <summary>What <c>prefetchCount</c> 0 means: AMQP has no bound then, and memory needs one.</summary>
    public const int DefaultPrefetch = 32;

    private static readonly string[] ExchangeKinds = ["fanout", "topic", "direct", "headers"];

    /// <summary><c>consumerID</c>: prefix of the queues. Default: the app id.</summary>
    public required string ConsumerId { get; init; }

    /// <summary><c>durable</c>: exchanges and queues survive a restart of the broker. Default true.</summary>
    public bool Durable { get; init; }

    /// <summary><c>deletedWhenUnused</c>: a queue goes with its last consumer, the exchange with its last queue. Default true.</summary>
    public bool DeletedWhenUnused { get; init; }

    /// <summary><c>exchangeKind</c>. Default fanout.</summary>
    public required string ExchangeKind { get; init; }

    /// <summary><c>deliveryMode</c>: 2 is persistent, 0 and 1 are not. Without it what is <see cref="Durable"/> is persistent.</summary>
    public bool Persistent { get; init; }

    /// <summary><c>ttlInSeconds</c> of messages that bring none.</summary>
    public TimeSpan? TimeToLive { get; init; }

    /// <summary><c>enableDeadLetter</c>: what failed goes to <c>dlq-QUEUE</c>, and so does what the queue drops.</summary>
    public bool EnableDeadLetter { get; init; }

    /// <summary>
    /// <c>requeueInFailure</c>: whether a failed message comes again. Without it, it does unless there is a dead-letter queue; "false" drops it.
    /// </summary>
    public bool RequeueInFailure { get; init; }

    /// <summary><c>autoAck</c>: messages are acknowledged before they are handled.</summary>
    public bool AutoAck { get; init; }

    /// <summary><c>maxLen</c> of queues; 0 for no bound.</summary>
    public long MaxLength { get; init; }

    /// <summary><c>maxLenBytes</c> of queues; 0 for no bound.</summary>
    public long MaxLengthBytes { get; init; }

    /// <summary><c>publishMessagePropertiesToMetadata</c>.</summary>
    public bool PublishProperties { get; init; }

    /// <summary><c>prefetchCount</c>: most messages that a subscription holds.</summary>
    public int Prefetch { get; init; }

    /// <summary>Handlers that run at a time: <c>prefetchCount</c>, or 1 with <c>concurrencyMode</c> single.</summary>
    public int MaxHandlers { get; init; }

    /// <summary><c>processingTimeout</c>: an attempt to deliver that takes longer has failed. Default 60 s, 0 for no limit.</summary>
    public TimeSpan ProcessingTimeout { get; init; }

    /// <summary><c>redeliverInterval</c>: pause before a failed message is given back to the queue. Default 15 s.</summary>
    public TimeSpan RedeliverInterval { get; init; }

    /// <summary><c>returnPause</c>: a subscription that gave a message back gets nothing for so long. Default 1 s.</summary>
    public TimeSpan ReturnPause { get; init; }

    /// <summary><c>reconnectWaitSeconds</c>. Default 3 s.</summary>
    public TimeSpan ReconnectWait { get; init; }

    /// <summary><c>publishTimeout</c>. Default 20 s.</summary>
    public TimeSpan PublishTimeout { get; init; }

    /// <summary><c>publisherConfirm</c>. Default true.</summary>
    public bool PublisherConfirm { get; init; }

    /// <summary>
    /// <c>mandatory</c>: a message that no queue takes fails. Default: the contrary of <c>deletedWhenUnused</c>, for queues that go with their consumers
    /// are for messages that are not kept.
    /// </summary>
    public bool Mandatory { get; init; }

    public static PubSubOptions Parse(ComponentContext context)
    {
        var metadata = context.Metadata;
        var single = Mode(metadata) == "single";
        var prefetch = Number(metadata, "prefetchCount", ushort.MaxValue) is > 0 and var count ? (int)count : single ? 1 : DefaultPrefetch;
        var durable = metadata.Bool("durable", true);
        var deleted = metadata.Bool("deletedWhenUnused", true);
        var deadLetter = metadata.Bool("enableDeadLetter", false);
        return new PubSubOptions
        {
            ConsumerId = metadata["consumerID"] is { Length: > 0 } id ? id : context.AppId,
            Durable = durable,
            DeletedWhenUnused = deleted,
            ExchangeKind = OneOf(metadata, "exchangeKind", ExchangeKinds),
            Persistent = metadata["deliveryMode"] is { Length: > 0 } ? Number(metadata, "deliveryMode", 2) == 2 : durable,
            TimeToLive = Publication.TimeToLive(metadata),
            EnableDeadLetter = deadLetter,
            RequeueInFailure = metadata.Bool("requeueInFailure", !deadLetter),
            AutoAck = metadata.Bool("autoAck", false),
            MaxLength = Number(metadata, "maxLen", long.MaxValue),
            MaxLengthBytes = Number(metadata, "maxLenBytes", long.MaxValue),
            PublishProperties = metadata.Bool("publishMessagePropertiesToMetadata", false),
            Prefetch = prefetch,
            MaxHandlers = single ? 1 : prefetch,
            ProcessingTimeout = metadata.Duration("processingTimeout", TimeSpan.FromSeconds(60)),
            RedeliverInterval = metadata.Duration("redeliverInterval", TimeSpan.FromSeconds(15)),
            ReturnPause = metadata.Duration("returnPause", TimeSpan.FromSeconds(1)),
            ReconnectWait = Seconds(metadata, "reconnectWaitSeconds", TimeSpan.FromSeconds(3)),
            PublishTimeout = metadata.Duration("publishTimeout", TimeSpan.FromSeconds(20)),
            PublisherConfirm = metadata.Bool("publisherConfirm", true),
            Mandatory = metadata.Bool("mandatory", !deleted),
        };
    }

    /// <summary>A duration of a name that ends in Seconds: a bare number is seconds.</summary>
    public static TimeSpan Seconds(ComponentMetadata metadata, string name, TimeSpan defaultValue) =>
        int.TryParse(metadata[name], out var seconds) ? TimeSpan.FromSeconds(seconds) : metadata.Duration(name, defaultValue);

    /// <summary>A number that is not negative; 0 when absent.</summary>
    public static long Number(ComponentMetadata metadata, string name, long most) =>
        metadata[name] is not { Length: > 0 } text ? 0
        : long.TryParse(text, out var value) && value >= 0 && value <= most ? value
        : throw new ComponentException($"metadata '{name}' is not a number from 0 to {most}: '{text}'");

    /// <summary>The first word when absent.</summary>
    public static string OneOf(ComponentMetadata metadata, string name, params string[] words) =>
        metadata[name] is not { Length: > 0 } text ? words[0]
        : words.Contains(text) ? text
        : throw new ComponentException($"metadata '{name}' is one of {string.Join(", ", words)}, not '{text}'{Nearest.Hint(text, words)}");

    private static string Mode(ComponentMetadata metadata)
    {
        var name = metadata["concurrencyMode"] is { Length: > 0 } ? "concurrencyMode" : "concurrency";
        return metadata[name] is { Length: > 0 } text && int.TryParse(text, out _)
            ? throw new ComponentException($"metadata '{name}' is parallel or single, not '{text}': how many messages are handled at a time is 'prefetchCount'")
            : OneOf(metadata, name, "parallel", "single");
    }
}
