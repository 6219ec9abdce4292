using Ai.Providers;
using Microsoft.Extensions.AI;

namespace Ai.Local;

/// <summary>The embedded provider: no key, no network, no language model.</summary>
public sealed class LocalProvider(IEnumerable<ILocalSkill> skills) : IModelProvider
{
    /// <summary>Name of the provider, and id of its model.</summary>
    public const string Name = "local";

    private readonly ILocalSkill[] _skills = [.. skills];

    /// <inheritdoc/>
    public string Kind => Name;

    /// <inheritdoc/>
    public IChatClient CreateChat(ProviderConnection connection, string model) => new LocalChatClient(_skills);

    /// <inheritdoc/>
    public IEmbeddingGenerator<string, Embedding<float>>? CreateEmbeddings(ProviderConnection connection, string model) => null;

    /// <inheritdoc/>
    public IImageGenerator? CreateImages(ProviderConnection connection, string model) => null;

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>?> ListModelsAsync(ProviderConnection connection, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<string>?>([Name]);
}
