using System.Buffers;
using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Ai.Providers.OpenAi;

/// <summary>Bodies of requests.</summary>
internal static class OpenAiBody
{
    // Bodies are no HTML: letters of all languages stay what they are, which halves Korean text.
    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A JSON object whose members <paramref name="write"/> writes.</summary>
    public static BinaryContent Json(Action<Utf8JsonWriter> write)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(body, Relaxed))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        return BinaryContent.Create(BinaryData.FromBytes(body.WrittenMemory));
    }

    /// <summary>Options of a request whose answer is read as a whole, or as it comes.</summary>
    public static RequestOptions Options(CancellationToken cancellationToken, bool streamed = false)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new RequestOptions { CancellationToken = cancellationToken, BufferResponse = !streamed };
    }
}
