using System.Text;
using System.Text.Json;

namespace Dapr.Actors.Runtime;

/// <summary>What a sidecar says about a timer or reminder (HTTP §6.1).</summary>
internal sealed record ScheduledCall(byte[] Data, TimeSpan DueTime, TimeSpan Period, int? Repetitions, TimeSpan? Ttl, string? Callback)
{
    /// <summary>Null when the body is not an object.</summary>
    public static ScheduledCall? Read(ReadOnlyMemory<byte> body)
    {
        using var document = JsonDocument.Parse(body);
        var root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        var (period, repetitions) = Schedule.Parse(Text(root, "period"), absent: Schedule.Never);
        return new ScheduledCall(
            ReadData(root),
            Schedule.Parse(Text(root, "dueTime"), absent: TimeSpan.Zero).Time,
            period, repetitions,
            Text(root, "ttl") is { Length: > 0 } ttl ? Schedule.Parse(ttl, absent: default).Time : null,
            Text(root, "callback"));
    }

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>This SDK registers bytes as base64; what others registered is given as its JSON.</summary>
    private static byte[] ReadData(JsonElement root) =>
        !root.TryGetProperty("data", out var data) || data.ValueKind == JsonValueKind.Null ? []
        : data.ValueKind == JsonValueKind.String && data.TryGetBytesFromBase64(out var bytes) ? bytes
        : Encoding.UTF8.GetBytes(data.GetRawText());
}
