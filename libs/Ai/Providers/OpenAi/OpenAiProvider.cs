using Microsoft.Extensions.AI;

namespace Ai.Providers.OpenAi;

/// <summary>OpenAI and every server that speaks its protocol: Ollama, vLLM, llama.cpp …</summary>
public sealed class OpenAiProvider : IModelProvider
{
    /// <inheritdoc/>
    public string Kind => "openai";

    /// <inheritdoc/>
    public IChatClient CreateChat(ProviderConnection connection, string model) => new OpenAiChatClient(connection, model);

    /// <inheritdoc/>
    public IEmbeddingGenerator<string, Embedding<float>>? CreateEmbeddings(ProviderConnection connection, string model) => null;

    /// <inheritdoc/>
    public IImageGenerator? CreateImages(ProviderConnection connection, string model) => null;

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>?> ListModelsAsync(ProviderConnection connection, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<string>?>(null);
}
