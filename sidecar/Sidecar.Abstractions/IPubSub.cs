namespace Sidecar.Abstractions;

/// <summary>
/// A message broker. The runtime makes and reads CloudEvent envelopes; a broker moves bytes and metadata and never looks inside.
/// </summary>
public interface IPubSub : IComponent
{
    /// <summary>What the broker can do; shown by the metadata API.</summary>
    PubSubFeatures Features { get; }

    /// <summary>Most handlers of one subscription that run at a time (metadata <c>concurrency</c>).</summary>
    int MaxHandlers { get; }

    /// <summary>
    /// Metadata <c>processingTimeout</c>: the longest that one attempt to deliver a message may take; then it has failed. Zero: no limit.
    /// </summary>
    TimeSpan ProcessingTimeout { get; }

    /// <summary>Returns when the broker has accepted the message (durably, where the broker is durable); throws when it has not.</summary>
    ValueTask PublishAsync(string topic, OutgoingMessage message, CancellationToken cancellationToken);

    /// <summary>
    /// Publishes many messages in order. Returns one entry per message: null when accepted, else why not. A broker without a
    /// bulk operation publishes them one by one.
    /// </summary>
    ValueTask<IReadOnlyList<Exception?>> PublishManyAsync(string topic, IReadOnlyList<OutgoingMessage> messages, CancellationToken cancellationToken);

    /// <summary>
    /// Joins the consumer group (metadata <c>consumerID</c>, by default the app id) on the topic and starts to deliver.
    /// Returns once the group exists, so that what is published afterwards is not missed. Dispose stops the intake, waits for
    /// handlers that run (the caller bounds it by cancelling their token) and hands what they did not finish back to the group.
    /// </summary>
    Task<IAsyncDisposable> SubscribeAsync(SubscriptionRequest request, CancellationToken cancellationToken);
}

/// <summary>A broker that knows what its consumer groups have not acknowledged.</summary>
public interface IBacklog
{
    /// <summary>The groups of all topics, also those without a consumer at the moment.</summary>
    IReadOnlyList<GroupBacklog> Backlog();
}

/// <summary>What a consumer group has not acknowledged.</summary>
/// <param name="Topic">Topic name.</param>
/// <param name="Group">Group name (<c>consumerID</c>).</param>
/// <param name="Pending">Messages not acknowledged, those that are being handled included; expired ones are not counted.</param>
/// <param name="SetAside">How many of them failed and wait for their redelivery.</param>
/// <param name="NextRedelivery">When the first of those is delivered again.</param>
/// <param name="Running">Loops that deliver at the moment or have been started for that.</param>
public sealed record GroupBacklog(string Topic, string Group, int Pending, int SetAside, DateTimeOffset? NextRedelivery, int Running);

/// <summary>Capabilities of a broker, named as in Dapr's metadata API.</summary>
[Flags]
public enum PubSubFeatures
{
    /// <summary>Plain publish and subscribe.</summary>
    None = 0,
    /// <summary><c>SUBSCRIBE_WILDCARDS</c></summary>
    SubscribeWildcards = 1,
    /// <summary><c>MESSAGE_TTL</c>: the broker expires messages itself; otherwise the envelope carries <c>expiration</c>.</summary>
    MessageTtl = 2,
    /// <summary><c>BULK_PUBSUB</c></summary>
    BulkPublish = 4,
}

/// <summary>A message on its way to the broker.</summary>
/// <param name="Data">Envelope or raw payload.</param>
/// <param name="ContentType">Type of <paramref name="Data"/>.</param>
/// <param name="Metadata">Request metadata (<c>ttlInSeconds</c>, <c>priority</c>, component-specific keys).</param>
public sealed record OutgoingMessage(ReadOnlyMemory<byte> Data, string? ContentType, ComponentMetadata Metadata);

/// <summary>A message from the broker.</summary>
/// <param name="Id">Unique within the topic; the same on a redelivery.</param>
/// <param name="Topic">The topic it was published to.</param>
/// <param name="Data">Bytes as published.</param>
/// <param name="Metadata">What the broker adds or kept of the request metadata.</param>
/// <param name="DeliveryAttempt">1 on first delivery, where the broker counts.</param>
public sealed record IncomingMessage(string Id, string Topic, ReadOnlyMemory<byte> Data, ComponentMetadata Metadata, int DeliveryAttempt);

/// <summary>What to subscribe to.</summary>
/// <param name="Topic">Topic name.</param>
/// <param name="Metadata">The subscription's metadata (<c>queueType</c>, <c>rawPayload</c>, …).</param>
/// <param name="Handler">
/// Handles one message. Completes: the message is acknowledged. Throws <see cref="MessageReturnedException"/>: the consumer
/// is going away, the message goes back to the group at once and is not counted as failed. Throws anything else: the
/// broker's rule for a failed message applies. Cancelled: neither acknowledged nor failed. Many handlers may run at a time;
/// how many is the broker's metadata (<c>concurrency</c>).
/// </param>
public sealed record SubscriptionRequest(string Topic, ComponentMetadata Metadata, Func<IncomingMessage, CancellationToken, Task> Handler);

/// <summary>Thrown by a handler whose app instance is gone: hand the message to another consumer of the group now.</summary>
public sealed class MessageReturnedException : Exception
{
    /// <summary>Says why the message comes back.</summary>
    public MessageReturnedException(string message) : base(message) { }
}
