using System.Buffers;
using System.Text.Json;
using Sidecar.Abstractions;
using Sidecar.Runtime.Loading;

namespace Sidecar.Runtime.PubSub;

/// <summary>The envelope made up for a subscription with <c>rawPayload</c> (dapr-http §3.4, point 2).</summary>
internal static class RawEnvelope
{
    public static byte[] Create(IncomingMessage message, SubscriptionManifest subscription, TimeProvider time)
    {
        var buffer = new ArrayBufferWriter<byte>(message.Data.Length * 4 / 3 + 256);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("id", message.Id);
            writer.WriteString("source", "Dapr");
            writer.WriteString("type", "com.dapr.event.sent");
            writer.WriteString("specversion", "1.0");
            writer.WriteString("datacontenttype", "application/octet-stream");
            writer.WriteString("topic", subscription.Topic);
            writer.WriteString("pubsubname", subscription.PubSubName);
            writer.WriteString("time", time.GetUtcNow());
            writer.WriteBase64String("data_base64", message.Data.Span);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}
