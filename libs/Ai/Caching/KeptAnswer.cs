using System.Runtime.InteropServices;
using System.Text.Json;
using Ai.Calls;
using Ai.Catalogue;
using Microsoft.Extensions.AI;

namespace Ai.Caching;

/// <summary>An answer as it is kept: as JSON, so that whoever gets it may change what he gets.</summary>
internal sealed record KeptAnswer(
    DateTimeOffset Until, UsageDetails? Usage, ChatResponse? Text = null, IReadOnlyList<byte[]>? Vectors = null, IList<AIContent>? Pictures = null)
{
    private static readonly JsonSerializerOptions Json = new(AIJsonUtilities.DefaultOptions) { WriteIndented = false };

    /// <summary>The bytes to keep; null for what is of no use to anybody else: unfinished, with tools or with what cannot be written.</summary>
    public static byte[]? Write(ModelAnswer answer, DateTimeOffset until)
    {
        var kept = answer switch
        {
            // What another model said in place of this one is not this one's answer.
            { FallbackReason: not null } => null,
            WholeAnswer<ChatResponse> { Value: var text } whole when IsFinished(text) => new KeptAnswer(until, whole.Usage, Text: text),
            WholeAnswer<GeneratedEmbeddings<Embedding<float>>> whole => new KeptAnswer(until, whole.Usage, Vectors: [.. whole.Value.Select(Bytes)]),
            // Addresses end; pictures do not.
            WholeAnswer<ImageGenerationResponse> whole when whole.Value.Contents.All(content => content is DataContent) =>
                new KeptAnswer(until, whole.Usage, Pictures: whole.Value.Contents),
            _ => null,
        };
        try
        {
            return kept is null ? null : JsonSerializer.SerializeToUtf8Bytes(kept, Json);
        }
        catch (Exception exception) when (exception is NotSupportedException or JsonException or InvalidOperationException)
        {
            // Something in its additional properties; the caller gets it all the same.
            return null;
        }
    }

    /// <summary>Null when it is not what this version writes.</summary>
    public static KeptAnswer? Read(byte[] bytes)
    {
        try
        {
            return JsonSerializer.Deserialize<KeptAnswer>(bytes, Json);
        }
        catch (Exception exception) when (exception is JsonException or NotSupportedException)
        {
            return null;
        }
    }

    /// <summary>The answer of a model.</summary>
    public ModelAnswer Answer(ModelInfo model)
    {
        if (Text is not null)
        {
            return new WholeAnswer<ChatResponse>(model, Text, Usage) { Cached = true };
        }

        if (Vectors is not null)
        {
            var vectors = Vectors.Select(bytes => new Embedding<float>(MemoryMarshal.Cast<byte, float>(bytes).ToArray()));
            return new WholeAnswer<GeneratedEmbeddings<Embedding<float>>>(model, new(vectors) { Usage = Usage }, Usage) { Cached = true };
        }

        return new WholeAnswer<ImageGenerationResponse>(model, new ImageGenerationResponse(Pictures) { Usage = Usage }, Usage) { Cached = true };
    }

    private static bool IsFinished(ChatResponse text) =>
        (text.FinishReason is null || text.FinishReason == ChatFinishReason.Stop)
        && text.Messages.All(message => message.Contents.All(content => content is TextContent or TextReasoningContent or UsageContent));

    private static byte[] Bytes(Embedding<float> embedding) => MemoryMarshal.AsBytes(embedding.Vector.Span).ToArray();
}
