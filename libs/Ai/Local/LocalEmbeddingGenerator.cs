using Ai.Local.Text;
using Microsoft.Extensions.AI;

namespace Ai.Local;

/// <summary>Embeddings of the local provider: by spelling, not by meaning, and labelled so.</summary>
internal sealed class LocalEmbeddingGenerator(LocalOptions local, EmbeddingGeneratorMetadata metadata) : IEmbeddingGenerator<string, Embedding<float>>
{
    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        var dimensions = options?.Dimensions ?? local.EmbeddingDimensions;
        if (dimensions is < 1 or > LocalOptions.MaxEmbeddingDimensions)
        {
            throw new ModelException(
                ModelFailure.BadRequest, $"local embeddings have 1 to {LocalOptions.MaxEmbeddingDimensions} dimensions; {dimensions} were asked for");
        }

        var embeddings = new GeneratedEmbeddings<Embedding<float>>
        {
            AdditionalProperties = new() { ["provider"] = LocalProvider.Name, ["kind"] = "lexical" },
        };
        foreach (var value in values)
        {
            cancellationToken.ThrowIfCancellationRequested();
            embeddings.Add(new Embedding<float>(LexicalEmbedding.Create(value, dimensions)) { ModelId = LexicalEmbedding.Model });
        }

        return Task.FromResult(embeddings);
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(EmbeddingGeneratorMetadata) ? metadata : serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }
}
