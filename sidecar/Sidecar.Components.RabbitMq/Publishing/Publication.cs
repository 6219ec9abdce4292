using System.Globalization;
using RabbitMQ.Client;
using Sidecar.Abstractions;

namespace Sidecar.Components.RabbitMq.Publishing;

/// <summary>A message as AMQP has it.</summary>
internal sealed record Publication(string RoutingKey, BasicProperties Properties, ReadOnlyMemory<byte> Body)
{
    /// <summary>Metadata <c>mandatory</c> of the request: whether it fails when no queue takes it; null as the component says.</summary>
    public bool? Mandatory { get; init; }

    /// <summary>
    /// Properties from the metadata of a request: <c>ttlInSeconds</c>, <c>priority</c>, <c>contentType</c>, <c>messageId</c>,
    /// <c>correlationId</c>, <c>type</c>. Every message has an id, by which its redelivery is known.
    /// </summary>
    public static BasicProperties PropertiesOf(ComponentMetadata metadata, bool persistent, TimeSpan? timeToLive, string contentType = "text/plain")
    {
        var properties = new BasicProperties
        {
            ContentType = metadata["contentType"] is { Length: > 0 } type ? type : contentType,
            MessageId = metadata["messageId"] is { Length: > 0 } id ? id : Guid.CreateVersion7().ToString(),
            DeliveryMode = persistent ? DeliveryModes.Persistent : DeliveryModes.Transient,
        };
        if ((TimeToLive(metadata) ?? timeToLive) is { } ttl)
        {
            properties.Expiration = ((long)ttl.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
        }

        if (metadata["priority"] is { Length: > 0 } text)
        {
            properties.Priority = byte.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var priority)
                ? priority
                : throw new ComponentException($"metadata 'priority' is not a number from 0 to 255: '{text}'");
        }

        if (metadata["correlationId"] is { Length: > 0 } correlation)
        {
            properties.CorrelationId = correlation;
        }

        if (metadata["type"] is { Length: > 0 } kind)
        {
            properties.Type = kind;
        }

        return properties;
    }

    /// <summary><c>ttlInSeconds</c> of a component or a request.</summary>
    public static TimeSpan? TimeToLive(ComponentMetadata metadata, string name = "ttlInSeconds") =>
        metadata[name] is not { Length: > 0 } text ? null
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds is > 0 and <= uint.MaxValue / 1000
            ? TimeSpan.FromSeconds(seconds)
            : throw new ComponentException($"metadata '{name}' is not a positive number of seconds: '{text}'");
}
