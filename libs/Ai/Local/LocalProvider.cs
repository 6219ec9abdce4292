using Ai.Catalogue;
using Ai.Local.Pictures;
using Ai.Providers;
using Microsoft.Extensions.AI;

namespace Ai.Local;

/// <summary>
/// The embedded provider: no key, no network, no language model. Embeddings by spelling, composed pictures, and for text the skills that the app registers; every
/// answer is labelled with its name, and what it cannot do is <see cref="ModelFailure.CapabilityMissing"/> with the models that can.
/// </summary>
public sealed class LocalProvider : IModelProvider
{
    /// <summary>Name of the provider, and id of its model.</summary>
    public const string Name = "local";

    private readonly ILocalSkill[] _skills;
    private readonly LocalOptions _options;
    private readonly Func<IReadOnlyList<string>> _otherModels;

    /// <summary>Creates the provider.</summary>
    /// <param name="skills">What it can do with text.</param>
    /// <param name="options">Settings; defaults when null.</param>
    /// <param name="otherModels">Ids of the configured models of other providers, which errors name.</param>
    public LocalProvider(IEnumerable<ILocalSkill> skills, LocalOptions? options = null, Func<IReadOnlyList<string>>? otherModels = null)
    {
        _skills = [.. skills];
        _options = options ?? new LocalOptions();
        _otherModels = otherModels ?? (() => []);
    }

    /// <inheritdoc/>
    public string Kind => Name;

    /// <summary>What the provider can do with these skills.</summary>
    public static ModelCapabilities CapabilitiesWith(IEnumerable<ILocalSkill> skills) => skills.Aggregate(
        ModelCapabilities.Embeddings | ModelCapabilities.Images | ModelCapabilities.ImageEdits,
        (all, skill) => all | skill.Capabilities | ModelCapabilities.Chat | ModelCapabilities.Streaming);

    /// <inheritdoc/>
    public IChatClient CreateChat(ProviderConnection connection, string model) =>
        new LocalChatClient(_skills, _otherModels, new ChatClientMetadata(connection.Name, defaultModelId: model));

    /// <inheritdoc/>
    public IEmbeddingGenerator<string, Embedding<float>> CreateEmbeddings(ProviderConnection connection, string model) =>
        new LocalEmbeddingGenerator(_options, new EmbeddingGeneratorMetadata(connection.Name, defaultModelId: model, defaultModelDimensions: _options.EmbeddingDimensions));

    /// <inheritdoc/>
    public IImageGenerator CreateImages(ProviderConnection connection, string model) =>
        new LocalImageGenerator(_options, new ImageGeneratorMetadata(connection.Name, defaultModelId: model));

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>?> ListModelsAsync(ProviderConnection connection, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<string>?>([Name]);
}
