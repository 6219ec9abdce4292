using Microsoft.Extensions.AI;

namespace Ai.Providers.Google;

/// <summary>Embeddings in as many requests as the protocol's limit of texts asks for.</summary>
internal abstract class GoogleEmbeddingGenerator(GoogleApi api, string model) : IEmbeddingGenerator<string, Embedding<float>>
{
    /// <summary>Requests of one call that run at the same time, where a model takes one text each.</summary>
    private const int MaxRequestsAtATime = 8;

    private readonly EmbeddingGeneratorMetadata _metadata = new(api.Name, api.Address, model);

    protected GoogleApi Api => api;

    protected string Model => model;

    /// <summary>Texts that one request may hold.</summary>
    protected abstract int MaxTexts { get; }

    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        string[][] batches = [.. values.Chunk(MaxTexts)];
        var answers = new IReadOnlyList<(EmbeddingValues? Values, long? Tokens)>[batches.Length];
        await Parallel.ForEachAsync(
            Enumerable.Range(0, batches.Length), new ParallelOptions { MaxDegreeOfParallelism = MaxRequestsAtATime, CancellationToken = cancellationToken },
            async (index, cancelled) =>
            {
                answers[index] = await EmbedAsync(batches[index], options?.Dimensions, cancelled);
                if (answers[index].Count != batches[index].Length)
                {
                    throw api.Malformed($"{answers[index].Count} embeddings for {batches[index].Length} texts");
                }
            });

        var all = answers.SelectMany(answer => answer).ToList();
        return new GeneratedEmbeddings<Embedding<float>>(all.Select(one =>
            new Embedding<float>(one.Values?.Values ?? throw api.Malformed("an embedding without values")) { ModelId = model }))
        {
            Usage = all.Exists(one => one.Tokens is not null) ? Used(all.Sum(one => one.Tokens ?? 0)) : null,
        };
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(EmbeddingGeneratorMetadata) ? _metadata : serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }

    /// <summary>One request: the embedding of each text, with its tokens where the protocol tells them.</summary>
    protected abstract Task<IReadOnlyList<(EmbeddingValues? Values, long? Tokens)>> EmbedAsync(
        string[] texts, int? dimensions, CancellationToken cancellationToken);

    protected static Content Text(string text) => new(Role: null, [new Part { Text = text }]);

    private static UsageDetails Used(long tokens) => new() { InputTokenCount = tokens, TotalTokenCount = tokens };
}

/// <summary>POST models/{model}:batchEmbedContents. https://ai.google.dev/api/embeddings.</summary>
internal sealed class GeminiEmbeddingGenerator(GoogleApi api, string model) : GoogleEmbeddingGenerator(api, model)
{
    protected override int MaxTexts => 100;

    protected override async Task<IReadOnlyList<(EmbeddingValues? Values, long? Tokens)>> EmbedAsync(
        string[] texts, int? dimensions, CancellationToken cancellationToken)
    {
        var answer = await Api.PostAsync(
            Model, "batchEmbedContents",
            new BatchEmbedRequest([.. texts.Select(text => new EmbedRequest($"models/{Model}", Text(text), dimensions))]),
            GoogleJson.Wire.BatchEmbedRequest, GoogleJson.Wire.BatchEmbedResponse, cancellationToken);
        return [.. (answer.Embeddings ?? []).Select(one => ((EmbeddingValues?)one, (long?)null))];
    }
}

/// <summary>
/// POST {model}:predict, which gemini-embedding-001 and the models before it have; newer ones have :embedContent for one text.
/// https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api.
/// </summary>
internal sealed class VertexEmbeddingGenerator(GoogleApi api, string model) : GoogleEmbeddingGenerator(api, model)
{
    private readonly bool _predicts = !model.StartsWith("gemini-", StringComparison.Ordinal) || model == "gemini-embedding-001";

    protected override int MaxTexts => Model.StartsWith("gemini-", StringComparison.Ordinal) ? 1 : 250;

    protected override async Task<IReadOnlyList<(EmbeddingValues? Values, long? Tokens)>> EmbedAsync(
        string[] texts, int? dimensions, CancellationToken cancellationToken)
    {
        if (_predicts)
        {
            var predicted = await Api.PostAsync(
                Model, "predict",
                new PredictRequest([.. texts.Select(text => new PredictInstance(text))], dimensions is null ? null : new PredictParameters(dimensions)),
                GoogleJson.Wire.PredictRequest, GoogleJson.Wire.PredictResponse, cancellationToken);
            return [.. (predicted.Predictions ?? []).Select(one => (one.Embeddings, (long?)one.Embeddings?.Statistics?.TokenCount))];
        }

        var answer = await Api.PostAsync(
            Model, "embedContent", new EmbedRequest(Model: null, Text(texts[0]), dimensions),
            GoogleJson.Wire.EmbedRequest, GoogleJson.Wire.EmbedResponse, cancellationToken);
        return [(answer.Embedding, answer.UsageMetadata?.PromptTokenCount)];
    }
}
