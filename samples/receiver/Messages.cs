using System.Text.Json;

namespace Receiver;

/// <summary>A message of desk, with what this sample looks at; docs/desk.md has all of it. Types and fields are only ever added.</summary>
internal abstract record Message
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, RespectRequiredConstructorParameters = true };

    /// <summary>A type that is not known is taken, and nothing is done with it.</summary>
    /// <exception cref="JsonException">This is no message.</exception>
    public static Message Read(byte[] body)
    {
        var envelope = JsonSerializer.Deserialize<Envelope>(body, Json) ?? throw new JsonException("null is no message");
        Message? message = envelope.Type switch
        {
            "desk.classified" => envelope.Data.Deserialize<Classified>(Json),
            "desk.completed" => envelope.Data.Deserialize<Completed>(Json),
            _ => new Unknown(envelope.Type),
        };
        return message ?? throw new JsonException("a message has data");
    }

    private sealed record Envelope(string Type, JsonElement Data);
}

/// <summary>Whether a photo shows a desk.</summary>
internal sealed record Classified(string RequestId, string InitialImageUrl, bool Classify, double Confidence, bool Unsure) : Message;

/// <summary>The end of a task: <c>success</c> with picture and products, or <c>failed</c> with an error.</summary>
internal sealed record Completed(
    string RequestId, string TaskId, string Status, string InitialImageUrl, long ElapsedMs, string? ProcessedImageUrl = null, JsonElement? Products = null, JsonElement? Error = null)
    : Message;

/// <summary>A type that came after this program.</summary>
internal sealed record Unknown(string Type) : Message;
