using System.Globalization;
using Sidecar.Abstractions;

namespace Sidecar.Components.Broker;

/// <summary>A message in a topic.</summary>
/// <param name="data">Bytes as published; owned by the entry.</param>
/// <param name="metadata">Request metadata of the publisher.</param>
/// <param name="publishedAt">UTC ticks.</param>
/// <param name="expiresAt">UTC ticks after which the message is not delivered any more.</param>
internal sealed class TopicEntry(byte[] data, ComponentMetadata metadata, long publishedAt, long expiresAt)
{
    public const long Never = long.MaxValue;

    /// <summary>
    /// Position in the topic, 1, 2, 3 … without reuse; its decimal form is the message id. Given once, before anybody sees the
    /// entry.
    /// </summary>
    public long Sequence { get; set; }

    public byte[] Data { get; } = data;

    public ComponentMetadata Metadata { get; } = metadata;

    public long PublishedAt { get; } = publishedAt;

    public long ExpiresAt { get; } = expiresAt;

    /// <summary>Makes an entry of a message; <c>ttlInSeconds</c> of its metadata becomes the expiry.</summary>
    public static TopicEntry From(OutgoingMessage message, long now)
    {
        var expiresAt = Never;
        if (message.Metadata["ttlInSeconds"] is { Length: > 0 } text)
        {
            if (!int.TryParse(text, CultureInfo.InvariantCulture, out var seconds) || seconds <= 0)
            {
                throw new ComponentException($"metadata 'ttlInSeconds' is not a positive number of seconds: '{text}'");
            }

            expiresAt = now + TimeSpan.FromSeconds(seconds).Ticks;
        }

        // A publisher's buffer may be reused once the publish returned.
        return new TopicEntry(message.Data.ToArray(), message.Metadata, now, expiresAt);
    }

    /// <summary>Makes entries of many messages; <paramref name="errors"/> has one item per message, null where an entry was made.</summary>
    public static TopicEntry[] FromMany(IReadOnlyList<OutgoingMessage> messages, long now, out Exception?[] errors)
    {
        errors = new Exception?[messages.Count];
        var entries = new List<TopicEntry>(messages.Count);
        for (var i = 0; i < messages.Count; i++)
        {
            try
            {
                entries.Add(From(messages[i], now));
            }
            catch (ComponentException exception)
            {
                errors[i] = exception;
            }
        }

        return [.. entries];
    }
}
