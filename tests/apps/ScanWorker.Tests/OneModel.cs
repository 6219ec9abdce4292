using Ai;
using Microsoft.Extensions.AI;

namespace ScanWorker.Tests;

/// <summary>A model that always says the same.</summary>
internal sealed class OneModel(string text) : IChatModels, IChatClient
{
    /// <summary>Runs before each answer.</summary>
    public Func<Task> BeforeAnswer { get; init; } = () => Task.CompletedTask;

    public IReadOnlyList<string> Supported => ["m1"];

    public IChatClient Get(string? model) => this;

    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        await BeforeAnswer();
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, text)) { ModelId = "m1" };
    }

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("fake", null, "m1") : null;

    public void Dispose()
    {
    }
}
