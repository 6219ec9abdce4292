using System.Text.Json;

namespace Sidecar.Actors.Schedules;

/// <summary>The data of timers and reminders: JSON, which may arrive as bytes that are none.</summary>
internal static class ActorData
{
    /// <summary>The JSON value; bytes that are no JSON become a base64 text; null when there are none.</summary>
    public static JsonElement? ToJson(ReadOnlyMemory<byte>? data)
    {
        if (data is not { Length: > 0 } bytes)
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(bytes);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return JsonSerializer.SerializeToElement(Convert.ToBase64String(bytes.Span));
        }
    }

    /// <summary>The body that tells an app of a tick: <c>callback</c> of timers, <c>data</c> when there is some, the times as registered.</summary>
    public static byte[] Body(string? callback, JsonElement? data, string dueTime, string period)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            if (callback is not null)
            {
                writer.WriteString("callback", callback);
            }

            if (data is { } value)
            {
                writer.WritePropertyName("data");
                value.WriteTo(writer);
            }

            writer.WriteString("dueTime", dueTime);
            writer.WriteString("period", period);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}
