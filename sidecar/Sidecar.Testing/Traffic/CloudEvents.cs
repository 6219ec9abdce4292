using System.Text;
using System.Text.Json;

namespace Sidecar.Testing;

/// <summary>Reads recorded messages (protocol: HTTP §3.2).</summary>
internal static class CloudEvents
{
    private const int ShownCharacters = 400;

    public static JsonElement Parse(ReadOnlyMemory<byte> message)
    {
        using var document = JsonDocument.Parse(message);
        return document.RootElement.Clone();
    }

    public static T? Payload<T>(ReadOnlyMemory<byte> message, JsonSerializerOptions? options)
    {
        var envelope = Parse(message);
        return envelope.TryGetProperty("data", out var data)
            ? data.Deserialize<T>(options ?? JsonSerializerOptions.Web)
            : JsonSerializer.Deserialize<T>(envelope.GetProperty("data_base64").GetBytesFromBase64(), options ?? JsonSerializerOptions.Web);
    }

    public static string Text(ReadOnlyMemory<byte> message) =>
        Encoding.UTF8.GetString(message.Span) is { Length: > ShownCharacters } text ? text[..ShownCharacters] + "…" : Encoding.UTF8.GetString(message.Span);
}
