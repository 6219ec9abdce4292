using Ai.Catalogue;
using Microsoft.Extensions.AI;

namespace Ai;

/// <summary>The one way for product code to reach a model. It names a model, or a task and a tier, or nothing; never a provider.</summary>
public interface IModels
{
    /// <summary>The models that requests may name, the default first.</summary>
    IReadOnlyList<ModelInfo> All { get; }

    /// <summary>
    /// The model of an id (<c>openai/gpt-5.2</c>), of a provider's name for it (<c>gpt-5.2</c>) or of a prefix that names a provider; null means the default.
    /// Throws <see cref="ModelException"/>: <see cref="ModelFailure.UnsupportedModel"/> with the supported ones, or
    /// <see cref="ModelFailure.CapabilityMissing"/> when it lacks one of <paramref name="needs"/>.
    /// </summary>
    ModelInfo Find(string? model, ModelCapabilities needs = ModelCapabilities.None);

    /// <summary>The model for a task at a tier, as configured; the nearest lower tier, then the default, where none is.</summary>
    ModelInfo Choose(string task, ModelTier tier = ModelTier.Standard);

    /// <summary>
    /// A client with every policy around it. A response's <see cref="ChatResponse.ModelId"/> and the <see cref="Served"/> in its additional properties say who
    /// spoke and why. Pass a <see cref="Calls.CallScope"/> with the options' additional properties.
    /// </summary>
    IChatClient Chat(ModelInfo model);

    /// <summary>As <see cref="Chat"/>, for embeddings.</summary>
    IEmbeddingGenerator<string, Embedding<float>> Embeddings(ModelInfo model);

    /// <summary>As <see cref="Chat"/>, for pictures.</summary>
    IImageGenerator Images(ModelInfo model);
}

/// <summary>Shorter ways to a model and a client.</summary>
public static class ModelsExtensions
{
    /// <summary>The model that a request names; where it names none, the one of the task at the tier.</summary>
    public static ModelInfo FindOrChoose(
        this IModels models, string? model, string task, ModelCapabilities needs, ModelTier tier = ModelTier.Standard) =>
        string.IsNullOrEmpty(model) ? models.Choose(task, tier) : models.Find(model, needs);

    /// <summary>The client of the model that a request names, or of the default.</summary>
    public static IChatClient Chat(this IModels models, string? model = null) => models.Chat(models.Find(model, ModelCapabilities.Chat));
}

/// <summary>How much a task is worth.</summary>
public enum ModelTier
{
    /// <summary>Quick and cheap.</summary>
    Fast,

    /// <summary>The usual.</summary>
    Standard,

    /// <summary>The best.</summary>
    Premium,
}

/// <summary>Who answered: under <see cref="Key"/> in the additional properties of a response, of embeddings and of a stream's last update.</summary>
/// <param name="Model">Model that spoke.</param>
/// <param name="Provider">Its provider.</param>
/// <param name="Requested">Model that was asked for.</param>
/// <param name="FallbackReason">Why it was not that one; null when it was.</param>
/// <param name="Cached">Whether the answer was kept from an earlier call.</param>
/// <param name="InputTokens">Tokens read.</param>
/// <param name="OutputTokens">Tokens written.</param>
/// <param name="CostUsd">What it cost in US dollars; null where the price is not known.</param>
public sealed record Served(
    string Model, string Provider, string Requested, ModelFailure? FallbackReason, bool Cached, long? InputTokens, long? OutputTokens, decimal? CostUsd)
{
    /// <summary>Key in additional properties.</summary>
    public const string Key = "served";

    /// <summary>Who answered; null when the response is not from <see cref="IModels"/>.</summary>
    public static Served? Of(ChatResponse response) => response.AdditionalProperties?.GetValueOrDefault(Key) as Served;

    /// <summary>Who made the embeddings.</summary>
    public static Served? Of(GeneratedEmbeddings<Embedding<float>> embeddings) => embeddings.AdditionalProperties?.GetValueOrDefault(Key) as Served;

    /// <summary>Who made the pictures, which have no additional properties: it is their raw representation.</summary>
    public static Served? Of(ImageGenerationResponse response) => response.RawRepresentation as Served;
}
