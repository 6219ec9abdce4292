using Microsoft.Extensions.AI;

namespace Ai.Providers.OpenAi;

/// <summary>OpenAI and every server that speaks its protocol: Ollama, vLLM, llama.cpp …</summary>
public sealed class OpenAiProvider(TimeProvider? time = null) : IModelProvider
{
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <inheritdoc/>
    public string Kind => "openai";

    /// <inheritdoc/>
    public IChatClient CreateChat(ProviderConnection connection, string model) => new OpenAiChatClient(
        connection, model, new ChatCompletionsWire(OpenAiConnection.Client(connection, _time).GetChatClient(model), model, IsOpenAi(connection)));

    /// <inheritdoc/>
    public IEmbeddingGenerator<string, Embedding<float>>? CreateEmbeddings(ProviderConnection connection, string model) => null;

    /// <inheritdoc/>
    public IImageGenerator? CreateImages(ProviderConnection connection, string model) => null;

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>?> ListModelsAsync(ProviderConnection connection, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<string>?>(null);

    private static bool IsOpenAi(ProviderConnection connection) =>
        connection.Options.BaseUrl is not { } address || address.Host.EndsWith(".openai.com", StringComparison.OrdinalIgnoreCase);
}
