using Ai.Providers;
using Microsoft.Extensions.AI;

namespace Load.Models;

/// <summary>A provider that answers at once, always the same.</summary>
internal sealed class InstantProvider : IModelProvider, IChatClient
{
    private static readonly ChatResponse Answer = new(new ChatMessage(ChatRole.Assistant, "ok"))
    {
        ModelId = "model", ResponseId = "r1", FinishReason = ChatFinishReason.Stop, Usage = new UsageDetails { InputTokenCount = 11, OutputTokenCount = 7 },
    };

    public string Kind => "openai";

    public IChatClient CreateChat(ProviderConnection connection, string model) => this;

    public IEmbeddingGenerator<string, Embedding<float>>? CreateEmbeddings(ProviderConnection connection, string model) => null;

    public IImageGenerator? CreateImages(ProviderConnection connection, string model) => null;

    public Task<IReadOnlyList<string>?> ListModelsAsync(ProviderConnection connection, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<string>?>(null);

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        Task.FromResult(Answer);

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        yield return new ChatResponseUpdate(ChatRole.Assistant, "ok");
        yield return new ChatResponseUpdate { FinishReason = ChatFinishReason.Stop, Contents = [new UsageContent(Answer.Usage!)] };
        await Task.CompletedTask;
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }
}
