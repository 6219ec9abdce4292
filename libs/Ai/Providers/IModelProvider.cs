using Microsoft.Extensions.AI;

namespace Ai.Providers;

/// <summary>
/// A kind of provider: makes plain clients of Microsoft.Extensions.AI for its protocol, with no retries, timeouts or telemetry of their own, since the
/// policies are around them. Every failure is a <see cref="ModelException"/> with the right <see cref="ModelFailure"/>, status and Retry-After; only
/// cancellation by the caller stays an <see cref="OperationCanceledException"/>. Null means that the protocol has no such operation.
/// </summary>
public interface IModelProvider
{
    /// <summary>Kind as the configuration names it: <c>openai</c>, <c>anthropic</c>, <c>gemini</c>, <c>vertex</c>, <c>local</c>.</summary>
    string Kind { get; }

    /// <summary>Where calls go with these options; null when they go nowhere, or it is not known. For telemetry.</summary>
    Uri? AddressOf(ProviderOptions options) => options.BaseUrl;

    /// <summary>
    /// A client for text. Streaming: the first update arrives with the first thing that is said, since before it a request that fails may be sent again;
    /// tool calls arrive whole, as <see cref="FunctionCallContent"/>; the last update carries <see cref="UsageContent"/>; a stream without the protocol's
    /// end is <see cref="ModelFailure.Cut"/>. A refusal is <see cref="ModelFailure.Refused"/>, the limit of tokens is
    /// <see cref="ChatFinishReason.Length"/>.
    /// </summary>
    IChatClient? CreateChat(ProviderConnection connection, string model);

    /// <summary>A client for embeddings.</summary>
    IEmbeddingGenerator<string, Embedding<float>>? CreateEmbeddings(ProviderConnection connection, string model);

    /// <summary>A client for pictures, from text and from reference pictures (<see cref="ImageGenerationRequest.OriginalImages"/>).</summary>
    IImageGenerator? CreateImages(ProviderConnection connection, string model);

    /// <summary>Names of the models that the provider has for this key; null when the protocol does not tell.</summary>
    Task<IReadOnlyList<string>?> ListModelsAsync(ProviderConnection connection, CancellationToken cancellationToken);
}
