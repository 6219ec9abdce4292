using Sidecar.Abstractions;

namespace Sidecar.Components.Broker;

/// <summary>A message in a topic; immutable.</summary>
/// <param name="Sequence">Position in the topic, 1, 2, 3 … without reuse; its decimal form is the message id.</param>
/// <param name="Data">Bytes as published; owned by the entry.</param>
/// <param name="Metadata">Request metadata of the publisher.</param>
/// <param name="PublishedAt">UTC ticks.</param>
/// <param name="ExpiresAt">UTC ticks after which the message is not delivered any more.</param>
internal sealed record TopicEntry(long Sequence, byte[] Data, ComponentMetadata Metadata, long PublishedAt, long ExpiresAt)
{
    public const long Never = long.MaxValue;

    /// <summary>Makes an entry of a message; <c>ttlInSeconds</c> of its metadata becomes the expiry.</summary>
    public static TopicEntry From(OutgoingMessage message, long sequence, long now)
    {
        var expiresAt = Never;
        if (message.Metadata["ttlInSeconds"] is { Length: > 0 } text)
        {
            if (!int.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var seconds) || seconds <= 0)
            {
                throw new ComponentException($"metadata 'ttlInSeconds' is not a positive number of seconds: '{text}'");
            }

            expiresAt = now + TimeSpan.FromSeconds(seconds).Ticks;
        }

        return new TopicEntry(sequence, message.Data.ToArray(), message.Metadata, now, expiresAt);
    }
}
