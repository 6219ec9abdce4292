using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.Extensions.AI;
using OpenAI.Embeddings;
using EmbeddingGenerationOptions = Microsoft.Extensions.AI.EmbeddingGenerationOptions;

namespace Ai.Providers.OpenAi;

/// <summary><c>POST /embeddings</c>. Vectors are asked for in base64, a quarter of the size of numbers, and taken as numbers too.</summary>
internal sealed class OpenAiEmbeddings(ProviderConnection connection, string model, EmbeddingClient client) : IEmbeddingGenerator<string, Embedding<float>>
{
    private readonly EmbeddingGeneratorMetadata _metadata = new(connection.Name, connection.Options.BaseUrl, model);

    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        var texts = values as IReadOnlyList<string> ?? [.. values];
        if (texts.Count == 0)
        {
            return [];
        }

        using var content = OpenAiBody.Json(writer => Write(writer, texts, options));
        var answer = await client.GenerateEmbeddingsAsync(content, OpenAiBody.Options(cancellationToken));
        return OpenAiErrors.Reading(answer, cancellationToken, body => Read(body, texts.Count));
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(EmbeddingGeneratorMetadata) ? _metadata : serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }

    private void Write(Utf8JsonWriter writer, IReadOnlyList<string> texts, EmbeddingGenerationOptions? options)
    {
        writer.WriteString("model", model);
        writer.WriteStartArray("input");
        foreach (var text in texts)
        {
            writer.WriteStringValue(text);
        }

        writer.WriteEndArray();
        writer.WriteString("encoding_format", "base64");
        if (options?.Dimensions is { } dimensions)
        {
            writer.WriteNumber("dimensions", dimensions);
        }
    }

    private GeneratedEmbeddings<Embedding<float>> Read(ReadOnlySpan<byte> body, int count)
    {
        var answer = JsonSerializer.Deserialize(body, OpenAiJson.Default.WireEmbeddings);
        if (answer?.Error is { } error)
        {
            throw OpenAiErrors.InAnswer(error);
        }

        if (answer?.Data is not { } data || data.Length != count)
        {
            throw new ModelException(ModelFailure.Malformed, $"the model server answered {answer?.Data?.Length ?? 0} embeddings for {count} texts");
        }

        var ordered = new Embedding<float>[count];
        for (var place = 0; place < count; place++)
        {
            ordered[data[place].Index ?? place] = new Embedding<float>(VectorOf(data[place].Embedding)) { ModelId = model };
        }

        if (Array.IndexOf(ordered, null) >= 0)
        {
            throw new ModelException(ModelFailure.Malformed, "the model server answered two embeddings for one text");
        }

        return new GeneratedEmbeddings<Embedding<float>>(ordered) { Usage = answer.Usage?.ToUsage() };
    }

    private static float[] VectorOf(JsonElement embedding)
    {
        if (embedding.ValueKind == JsonValueKind.Array)
        {
            var vector = new float[embedding.GetArrayLength()];
            var place = 0;
            foreach (var number in embedding.EnumerateArray())
            {
                vector[place++] = number.GetSingle();
            }

            return vector;
        }

        var bytes = embedding.GetBytesFromBase64();
        return bytes.Length % sizeof(float) == 0 ? MemoryMarshal.Cast<byte, float>(bytes).ToArray() : throw new FormatException("not floats");
    }
}
