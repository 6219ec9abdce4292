using Ai;
using Ai.Catalogue;
using Microsoft.Extensions.AI;

namespace ScanWorker.Tests;

/// <summary>A model that always says the same.</summary>
internal sealed class OneModel(string text) : IModels, IChatClient
{
    private static readonly ModelInfo Info = new() { Id = "m1", Provider = "fake", Name = "m1" };

    /// <summary>Why it answers in another's place.</summary>
    public ModelFailure? FallbackReason { get; init; }

    /// <summary>Which model was asked for.</summary>
    public string Requested { get; init; } = Info.Id;

    /// <summary>What each answer costs.</summary>
    public decimal? CostUsd { get; init; }

    /// <summary>Runs before each answer.</summary>
    public Func<Task> BeforeAnswer { get; init; } = () => Task.CompletedTask;

    public IReadOnlyList<ModelInfo> All => [Info];

    public ModelInfo Find(string? model, ModelCapabilities needs = ModelCapabilities.None) => Info;

    public ModelInfo Choose(string task, ModelTier tier = ModelTier.Standard) => Info;

    public IChatClient Chat(ModelInfo model) => this;

    public IEmbeddingGenerator<string, Embedding<float>> Embeddings(ModelInfo model) => throw new NotSupportedException();

    public IImageGenerator Images(ModelInfo model) => throw new NotSupportedException();

    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        await BeforeAnswer();
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, text))
        {
            ModelId = Info.Id,
            AdditionalProperties = new() { [Served.Key] = new Served(Info.Id, Info.Provider, Requested, FallbackReason, false, 900, 40, CostUsd) },
        };
    }

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }
}
