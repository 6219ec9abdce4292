using System.Runtime.CompilerServices;
using Ai.Calls;
using Ai.Catalogue;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;

namespace Ai.Tests.Limits;

/// <summary>Calls and answers for tests of one policy.</summary>
internal static class Scripted
{
    public static ModelInfo Model { get; } = new()
    {
        Id = "openai/gpt", Provider = "openai", Name = "gpt", ContextTokens = 100_000, OutputTokens = 1_000, Price = new(1m, 10m),
        Capabilities = ModelCapabilities.Chat | ModelCapabilities.Streaming | ModelCapabilities.Embeddings | ModelCapabilities.Images,
    };

    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static ChatCall Chat(
        string text = "hello", CallScope? scope = null, ChatOptions? options = null, bool streamed = false, ModelInfo? model = null, ModelCallOptions? policy = null) => new()
    {
        Requested = model ?? Model,
        Model = model ?? Model,
        Policy = policy ?? new(),
        Scope = scope ?? CallScope.None,
        Messages = [new(ChatRole.User, text)],
        Options = options,
        Streamed = streamed,
    };

    public static EmbeddingCall Embed(params string[] values) => new()
    {
        Requested = Model, Model = Model, Policy = new(), Scope = CallScope.None, Values = values,
    };

    public static WholeAnswer<ChatResponse> Text(string text, long input = 10, long output = 5)
    {
        var usage = new UsageDetails { InputTokenCount = input, OutputTokenCount = output };
        return new(Model, new ChatResponse(new ChatMessage(ChatRole.Assistant, text)) { Usage = usage, FinishReason = ChatFinishReason.Stop }, usage);
    }

    public static string TextOf(ModelAnswer answer) => ((WholeAnswer<ChatResponse>)answer).Value.Text;

    /// <summary>A stream of these pieces; the usage comes last.</summary>
    public static ValueTask<StreamedAnswer> StreamAsync(params string[] pieces) => StreamedAnswer.OpenAsync(Model, Updates(pieces, Cancel), Cancel);

    public static async Task<string[]> ReadAsync(ModelAnswer answer)
    {
        var pieces = new List<string>();
        await using var stream = (StreamedAnswer)answer;
        while (stream.Current is { } update)
        {
            pieces.Add(update.Text);
            await stream.MoveNextAsync();
        }

        return [.. pieces];
    }

    public static IOptions<AiOptions> Options(Action<AiOptions> configure)
    {
        var options = new AiOptions();
        configure(options);
        return Microsoft.Extensions.Options.Options.Create(options);
    }

    private static async IAsyncEnumerable<ChatResponseUpdate> Updates(string[] pieces, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var piece in pieces)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await Task.Yield();
            yield return new ChatResponseUpdate(ChatRole.Assistant, piece);
        }

        yield return new ChatResponseUpdate { Contents = [new UsageContent(new UsageDetails { InputTokenCount = 10, OutputTokenCount = 5 })], FinishReason = ChatFinishReason.Stop };
    }
}
