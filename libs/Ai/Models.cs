using Ai.Calls;
using Ai.Catalogue;
using Microsoft.Extensions.AI;

namespace Ai;

/// <summary>The models of the catalogue with the policies around them.</summary>
internal sealed class Models(ModelCatalogue catalogue, ModelPipeline pipeline) : IModels
{
    public IReadOnlyList<ModelInfo> All => catalogue.All;

    public ModelInfo Find(string? model, ModelCapabilities needs = ModelCapabilities.None) => catalogue.Find(model, needs);

    public ModelInfo Choose(string task, ModelTier tier = ModelTier.Standard) => catalogue.Choose(task, tier);

    public IChatClient Chat(ModelInfo model) => new ModelChatClient(model, catalogue, pipeline);

    public IEmbeddingGenerator<string, Embedding<float>> Embeddings(ModelInfo model) => new ModelEmbeddingGenerator(model, catalogue, pipeline);

    public IImageGenerator Images(ModelInfo model) => new ModelImageGenerator(model, catalogue, pipeline);
}
