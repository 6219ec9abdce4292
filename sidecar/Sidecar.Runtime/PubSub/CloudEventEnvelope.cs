using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Sidecar.Abstractions;

namespace Sidecar.Runtime.PubSub;

/// <summary>Makes the CloudEvent of a publish (dapr-http §2.1).</summary>
public static class CloudEventEnvelope
{
    public const string ContentType = "application/cloudevents+json";

    /// <summary>Deepest nesting of data that is kept as JSON; deeper data is text.</summary>
    private const int MaxDataDepth = 1000;

    /// <summary>Member of a dead letter's envelope: why it was not handled.</summary>
    public const string DeadLetterReason = "deadletterreason";

    /// <summary>How envelopes are read: data of any depth that <see cref="Create"/> takes, and the envelope around it.</summary>
    public static readonly JsonDocumentOptions Reading = new() { MaxDepth = MaxDataDepth + 24 };

    /// <summary>Wraps data, or completes an envelope that the publisher made itself, unless that is to be data as well.</summary>
    public static byte[] Create(
        ReadOnlyMemory<byte> data, string? contentType, string topic, string pubSubName, string appId, ComponentMetadata metadata, string? traceParent,
        string? traceState, bool brokerExpires, TimeProvider time, bool wrapAlways = false)
    {
        var mediaType = contentType?.Split(';')[0].Trim() is { Length: > 0 } type ? type : "text/plain";
        if (IsJson(mediaType) && !Utf8.IsValid(data.Span))
        {
            throw PubSubErrors.NotUtf8(mediaType);
        }

        var now = time.GetUtcNow();
        var buffer = new ArrayBufferWriter<byte>(data.Length + 512);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            if (!wrapAlways && mediaType.Equals(ContentType, StringComparison.OrdinalIgnoreCase))
            {
                Complete(writer, data, topic, pubSubName, traceParent, traceState, now);
            }
            else
            {
                Wrap(writer, data, mediaType, contentType, topic, pubSubName, appId, metadata, traceParent, traceState, now);
            }

            if (!brokerExpires && metadata["ttlInSeconds"] is { Length: > 0 } ttl && long.TryParse(ttl, CultureInfo.InvariantCulture, out var seconds) && seconds > 0)
            {
                writer.WriteString("expiration", now.AddSeconds(seconds));
            }

            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Whether a content type means JSON.</summary>
    public static bool IsJson(string mediaType) =>
        mediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
        || (mediaType.StartsWith("application/", StringComparison.OrdinalIgnoreCase) && mediaType.EndsWith("+json", StringComparison.OrdinalIgnoreCase));

    private static void Wrap(
        Utf8JsonWriter writer, ReadOnlyMemory<byte> data, string mediaType, string? contentType, string topic, string pubSubName, string appId,
        ComponentMetadata metadata, string? traceParent, string? traceState, DateTimeOffset now)
    {
        var trace = metadata["cloudevent.traceparent"] ?? metadata["cloudevent.traceid"] ?? traceParent ?? "";
        writer.WriteString("id", metadata["cloudevent.id"] ?? Guid.NewGuid().ToString());
        writer.WriteString("source", metadata["cloudevent.source"] ?? appId);
        writer.WriteString("type", metadata["cloudevent.type"] ?? "com.dapr.event.sent");
        writer.WriteString("specversion", "1.0");
        writer.WriteString("datacontenttype", contentType is { Length: > 0 } ? contentType : mediaType);
        writer.WriteString("topic", topic);
        writer.WriteString("pubsubname", pubSubName);
        writer.WriteString("traceid", trace);
        writer.WriteString("traceparent", trace);
        writer.WriteString("tracestate", metadata["cloudevent.tracestate"] ?? traceState ?? "");
        writer.WriteString("time", now);
        if (metadata["cloudevent.subject"] is { } subject)
        {
            writer.WriteString("subject", subject);
        }

        if (mediaType is "application/octet-stream" or "application/cloudevents+protobuf")
        {
            writer.WriteBase64String("data_base64", data.Span);
        }
        else if (IsJson(mediaType) && IsValidJson(data.Span))
        {
            writer.WritePropertyName("data");
            writer.WriteRawValue(data.Span, skipInputValidation: true);
        }
        else
        {
            writer.WriteString("data", Encoding.UTF8.GetString(data.Span));
        }
    }

    private static void Complete(
        Utf8JsonWriter writer, ReadOnlyMemory<byte> data, string topic, string pubSubName, string? traceParent, string? traceState, DateTimeOffset now)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(data, new JsonDocumentOptions { MaxDepth = MaxDataDepth });
        }
        catch (JsonException exception)
        {
            throw PubSubErrors.BadEnvelope(exception.Message);
        }

        using (document)
        {
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw PubSubErrors.BadEnvelope("the body is not a JSON object");
            }

            var names = new HashSet<string>();
            foreach (var member in document.RootElement.EnumerateObject().Where(member => member.Name is not ("topic" or "pubsubname")))
            {
                names.Add(member.Name);
                writer.WritePropertyName(member.Name);
                writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(member.Value), skipInputValidation: true);
            }

            void Default(string name, string value)
            {
                if (names.Add(name))
                {
                    writer.WriteString(name, value);
                }
            }

            writer.WriteString("topic", topic);
            writer.WriteString("pubsubname", pubSubName);
            Default("source", "Dapr");
            Default("type", "com.dapr.event.sent");
            Default("specversion", "1.0");
            Default("time", now.ToString("O", CultureInfo.InvariantCulture));
            if (!names.Contains("traceid"))
            {
                Default("traceid", traceParent ?? "");
                Default("traceparent", traceParent ?? "");
            }

            Default("tracestate", traceState ?? "");
        }
    }

    /// <summary>An envelope with members set, or taken away where the value is null; the others stay byte for byte.</summary>
    public static byte[] With(ReadOnlyMemory<byte> envelope, IReadOnlyDictionary<string, string?> members)
    {
        using var document = JsonDocument.Parse(envelope, Reading);
        var buffer = new ArrayBufferWriter<byte>(envelope.Length + 256);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var member in document.RootElement.EnumerateObject().Where(member => !members.ContainsKey(member.Name)))
            {
                writer.WritePropertyName(member.Name);
                writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(member.Value), skipInputValidation: true);
            }

            foreach (var (name, value) in members)
            {
                if (value is not null)
                {
                    writer.WriteString(name, value);
                }
            }

            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Whether bytes are one JSON value.</summary>
    public static bool IsValidJson(ReadOnlySpan<byte> data)
    {
        if (!Utf8.IsValid(data))
        {
            return false;
        }

        var reader = new Utf8JsonReader(data, new JsonReaderOptions { MaxDepth = MaxDataDepth });
        try
        {
            if (!reader.Read())
            {
                return false;
            }

            reader.Skip();
            return !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>The W3C traceparent of the current span, or null without one.</summary>
    public static string? CurrentTraceParent => Activity.Current is { IdFormat: ActivityIdFormat.W3C } activity ? activity.Id : null;
}
