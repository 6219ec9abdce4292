using System.Runtime.CompilerServices;
using Ai.Catalogue;
using Microsoft.Extensions.AI;

namespace Ai.Calls;

/// <summary>What the three kinds of clients that product code gets have in common: they make a call and pass it through the pipeline.</summary>
internal abstract class ModelClient(ModelInfo model, ModelCatalogue catalogue, ModelPipeline pipeline)
{
    protected ModelInfo Model => model;

    /// <summary>What the client says of itself, in the type of its kind.</summary>
    protected abstract object Metadata { get; }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType.IsInstanceOfType(this) ? this
        : serviceType == typeof(ModelInfo) ? Model
        : Metadata is { } metadata && serviceType.IsInstanceOfType(metadata) ? metadata
        : null;

    /// <summary>Clients are cheap; what they use belongs to the process.</summary>
    public void Dispose()
    {
    }

    /// <summary>Checks that the model can do it, then calls.</summary>
    protected ValueTask<ModelAnswer> InvokeAsync(ModelCall call, CancellationToken cancellationToken)
    {
        catalogue.Check(model, call);
        return pipeline.InvokeAsync(call, cancellationToken);
    }

    protected ModelCallOptions Policy => catalogue.PolicyOf(model);

    protected static Served ServedBy(ModelCall call, ModelAnswer answer, UsageDetails? usage) => new(
        answer.Model.Id, answer.Model.Provider, call.Requested.Id, answer.FallbackReason, answer.Cached, usage?.InputTokenCount, usage?.OutputTokenCount,
        answer.Cached ? 0 : ModelCost.Of(call, answer.Model, usage));
}

/// <summary>Text.</summary>
internal sealed class ModelChatClient(ModelInfo model, ModelCatalogue catalogue, ModelPipeline pipeline)
    : ModelClient(model, catalogue, pipeline), IChatClient
{
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var call = Call(messages, options, streamed: false);
        var answer = (WholeAnswer<ChatResponse>)await InvokeAsync(call, cancellationToken);
        // A copy, because equal calls that ran together share what the provider answered.
        var shared = answer.Value;
        return new ChatResponse(shared.Messages)
        {
            ResponseId = shared.ResponseId,
            ModelId = answer.Model.Id,
            CreatedAt = shared.CreatedAt,
            FinishReason = shared.FinishReason,
            Usage = shared.Usage,
            AdditionalProperties = new(shared.AdditionalProperties ?? []) { [Served.Key] = ServedBy(call, answer, answer.Usage) },
        };
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var call = Call(messages, options, streamed: true);
        await using var answer = (StreamedAnswer)await InvokeAsync(call, cancellationToken);
        UsageDetails? usage = null;
        answer.WhenEnded(end => usage = end.Usage);
        while (answer.Current is { } update)
        {
            update.ModelId = answer.Model.Id;
            yield return update;
            await answer.MoveNextAsync();
        }

        yield return new ChatResponseUpdate
        {
            ModelId = answer.Model.Id,
            AdditionalProperties = new() { [Served.Key] = ServedBy(call, answer, usage) },
        };
    }

    protected override object Metadata => new ChatClientMetadata(Model.Provider, defaultModelId: Model.Id);

    private ChatCall Call(IEnumerable<ChatMessage> messages, ChatOptions? options, bool streamed) => new()
    {
        Requested = Model,
        Model = Model,
        Policy = Policy,
        Scope = CallScope.Of(options?.AdditionalProperties),
        Messages = messages as IReadOnlyList<ChatMessage> ?? [.. messages],
        Options = options,
        Streamed = streamed,
    };
}

/// <summary>Embeddings.</summary>
internal sealed class ModelEmbeddingGenerator(ModelInfo model, ModelCatalogue catalogue, ModelPipeline pipeline)
    : ModelClient(model, catalogue, pipeline), IEmbeddingGenerator<string, Embedding<float>>
{
    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        var call = new EmbeddingCall
        {
            Requested = Model,
            Model = Model,
            Policy = Policy,
            Scope = CallScope.Of(options?.AdditionalProperties),
            Values = values as IReadOnlyList<string> ?? [.. values],
            Options = options,
        };
        var answer = (WholeAnswer<GeneratedEmbeddings<Embedding<float>>>)await InvokeAsync(call, cancellationToken);
        return new GeneratedEmbeddings<Embedding<float>>(answer.Value)
        {
            Usage = answer.Usage,
            AdditionalProperties = new(answer.Value.AdditionalProperties ?? []) { [Served.Key] = ServedBy(call, answer, answer.Usage) },
        };
    }

    protected override object Metadata => new EmbeddingGeneratorMetadata(Model.Provider, defaultModelId: Model.Id);
}

/// <summary>Pictures.</summary>
internal sealed class ModelImageGenerator(ModelInfo model, ModelCatalogue catalogue, ModelPipeline pipeline)
    : ModelClient(model, catalogue, pipeline), IImageGenerator
{
    public async Task<ImageGenerationResponse> GenerateAsync(
        ImageGenerationRequest request, ImageGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        var call = new ImageCall
        {
            Requested = Model,
            Model = Model,
            Policy = Policy,
            Scope = CallScope.Of(options?.AdditionalProperties),
            Request = request,
            Options = options,
        };
        var answer = (WholeAnswer<ImageGenerationResponse>)await InvokeAsync(call, cancellationToken);
        return new ImageGenerationResponse(answer.Value.Contents)
        {
            RawRepresentation = ServedBy(call, answer, answer.Usage),
            Usage = answer.Usage,
        };
    }

    protected override object Metadata => new ImageGeneratorMetadata(Model.Provider, defaultModelId: Model.Id);
}
