using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;

namespace Ai.Telemetry;

/// <summary>
/// What was said, as JSON of the GenAI conventions for a span's attribute (gen-ai-input-messages.json: <c>[{role, parts: [{type, …}]}]</c>). Text is cut
/// where the attribute has taken its length and masked by <see cref="PiiMask"/>; of a picture only the kind is told.
/// </summary>
internal static class SpanContent
{
    /// <summary>So much is looked at beyond the length, so that what is cut off there is masked all the same.</summary>
    private const int MaxMasked = 200;

    private static readonly JsonWriterOptions Format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonSerializerOptions Values = new(AIJsonUtilities.DefaultOptions) { WriteIndented = false, Encoder = Format.Encoder };

    /// <summary>Messages; those after the length are left out.</summary>
    public static string Of(IEnumerable<ChatMessage> messages, ChatFinishReason? finishReason, int length) => Write(json =>
    {
        json.WriteStartArray();
        foreach (var message in messages)
        {
            if (length <= 0)
            {
                break;
            }

            json.WriteStartObject();
            json.WriteString("role", message.Role.Value);
            json.WriteStartArray("parts");
            foreach (var content in message.Contents)
            {
                WritePart(json, content, ref length);
            }

            json.WriteEndArray();
            if (finishReason is { } reason)
            {
                json.WriteString("finish_reason", reason.Value);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    /// <summary>Instructions that are not among the messages.</summary>
    public static string? OfInstructions(string? instructions, int length) => instructions is null ? null : Write(json =>
    {
        json.WriteStartArray();
        WritePart(json, new TextContent(instructions), ref length);
        json.WriteEndArray();
    });

    /// <summary>Tools by name and description.</summary>
    public static string? OfTools(IList<AITool>? tools) => tools is not { Count: > 0 } ? null : Write(json =>
    {
        json.WriteStartArray();
        foreach (var tool in tools)
        {
            json.WriteStartObject();
            json.WriteString("type", "function");
            json.WriteString("name", tool.Name);
            json.WriteString("description", tool.Description);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    private static void WritePart(Utf8JsonWriter json, AIContent content, ref int length)
    {
        json.WriteStartObject();
        switch (content)
        {
            case TextContent text:
                json.WriteString("type", "text");
                json.WriteString("content", Cut(text.Text, ref length));
                break;
            case FunctionCallContent call:
                json.WriteString("type", "tool_call");
                json.WriteString("id", call.CallId);
                json.WriteString("name", call.Name);
                json.WriteString("arguments", Cut(Plain(call.Arguments), ref length));
                break;
            case FunctionResultContent result:
                json.WriteString("type", "tool_call_response");
                json.WriteString("id", result.CallId);
                json.WriteString("response", Cut(Plain(result.Result), ref length));
                break;
            case DataContent data:
                json.WriteString("type", "blob");
                json.WriteString("mime_type", data.MediaType);
                break;
            default:
                json.WriteString("type", content is UriContent ? "uri" : content.GetType().Name);
                break;
        }

        json.WriteEndObject();
    }

    private static string Plain(object? value) => value switch
    {
        string text => text,
        // May be a picture.
        AIContent or IEnumerable<AIContent> => value.GetType().Name,
        _ => JsonSerializer.Serialize(value, Values),
    };

    /// <summary>Masked, because spans are read by more people than answers are; first roughly cut, since masking takes time by length.</summary>
    private static string Cut(string text, ref int length)
    {
        var most = Math.Max(length, 0);
        length -= text.Length;
        string masked;
        try
        {
            masked = PiiMask.Mask(text.Length <= most + MaxMasked ? text : text[..(most + MaxMasked)]);
        }
        catch (RegexMatchTimeoutException)
        {
            return "…";
        }

        return masked.Length <= most ? masked : masked[..most] + "…";
    }

    private static string Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, Format))
        {
            write(json);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
