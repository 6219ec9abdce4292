using Sidecar.Abstractions;

namespace Sidecar.Runtime.Outbox;

/// <summary>The <c>outbox…</c> metadata of a state store (dapr/config §1).</summary>
/// <param name="PublishPubSub"><c>outboxPublishPubsub</c>: where the messages go in the end.</param>
/// <param name="PublishTopic"><c>outboxPublishTopic</c>: their topic.</param>
/// <param name="InternalPubSub"><c>outboxPubsub</c>: where they wait for their transaction; by default the same component.</param>
/// <param name="DiscardWhenMissingState">
/// <c>outboxDiscardWhenMissingState</c>: a message without a transaction is dropped; by default the broker delivers it again.
/// </param>
public sealed record OutboxSettings(string PublishPubSub, string PublishTopic, string InternalPubSub, bool DiscardWhenMissingState)
{
    private const string PubSubName = "outboxPublishPubsub";
    private const string TopicName = "outboxPublishTopic";

    /// <summary>Null for a store without an outbox. Throws <see cref="ComponentException"/> when it is named by half.</summary>
    public static OutboxSettings? Read(ComponentMetadata metadata)
    {
        if (!metadata.Any(entry => entry.Key.StartsWith("outbox", StringComparison.OrdinalIgnoreCase)))
        {
            return null;
        }

        var pubSub = metadata.Required(PubSubName);
        return new OutboxSettings(
            pubSub, metadata.Required(TopicName), metadata["outboxPubsub"] is { Length: > 0 } name ? name : pubSub,
            metadata.Bool("outboxDiscardWhenMissingState", false));
    }

    /// <summary>The topic in which the messages wait, named as daprd does.</summary>
    public string InternalTopic(string appId) =>
        $"{(Environment.GetEnvironmentVariable("NAMESPACE") is { Length: > 0 } space ? space : "default")}{appId}{PublishTopic}outbox";
}
