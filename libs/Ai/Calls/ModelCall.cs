using Ai.Catalogue;
using Microsoft.Extensions.AI;

namespace Ai.Calls;

/// <summary>One call on its way through the policies to a provider. Policies read it; the fallback chain and the key pool pass on changed copies.</summary>
public abstract record ModelCall
{
    /// <summary>The model that was asked for.</summary>
    public required ModelInfo Requested { get; init; }

    /// <summary>The model that is tried now: <see cref="Requested"/>, or one of its fallback chain.</summary>
    public required ModelInfo Model { get; init; }

    /// <summary>Why <see cref="Model"/> is tried instead of <see cref="Requested"/>; null when it is not. The fallback chain sets it.</summary>
    public ModelFailure? FallbackReason { get; init; }

    /// <summary>Timeouts, retries and limits of <see cref="Model"/>.</summary>
    public required ModelCallOptions Policy { get; init; }

    /// <summary>Who asks, for what, how urgently.</summary>
    public required CallScope Scope { get; init; }

    /// <summary>The key to use; the key pool sets it.</summary>
    public string? Key { get; init; }

    /// <summary>Timestamp of the clock at which the whole call times out; null while nothing limits it. The total timeout sets it.</summary>
    public long? Deadline { get; init; }

    /// <summary>Operation by the GenAI conventions: <c>chat</c>, <c>embeddings</c>, <c>generate_content</c> for pictures.</summary>
    public abstract string Operation { get; }

    /// <summary>What the model must be able to do.</summary>
    public abstract ModelCapabilities Needs { get; }
}

/// <summary>A call for text.</summary>
public sealed record ChatCall : ModelCall
{
    /// <summary>The conversation.</summary>
    public required IReadOnlyList<ChatMessage> Messages { get; init; }

    /// <summary>Options; the model's id is set by the client that sends them.</summary>
    public ChatOptions? Options { get; init; }

    /// <summary>Whether the answer is wanted in pieces.</summary>
    public required bool Streamed { get; init; }

    /// <inheritdoc/>
    public override string Operation => "chat";

    /// <inheritdoc/>
    public override ModelCapabilities Needs =>
        ModelCapabilities.Chat
        | (Streamed ? ModelCapabilities.Streaming : 0)
        | (Options?.Tools is { Count: > 0 } ? ModelCapabilities.Tools : 0)
        | (Options?.ResponseFormat is ChatResponseFormatJson { Schema: not null } ? ModelCapabilities.JsonSchema : 0)
        | (Messages.Any(message => message.Contents.Any(content => content is DataContent or UriContent)) ? ModelCapabilities.Vision : 0);
}

/// <summary>A call for embeddings.</summary>
public sealed record EmbeddingCall : ModelCall
{
    /// <summary>The texts.</summary>
    public required IReadOnlyList<string> Values { get; init; }

    /// <summary>Options.</summary>
    public EmbeddingGenerationOptions? Options { get; init; }

    /// <inheritdoc/>
    public override string Operation => "embeddings";

    /// <inheritdoc/>
    public override ModelCapabilities Needs => ModelCapabilities.Embeddings;
}

/// <summary>A call for pictures.</summary>
public sealed record ImageCall : ModelCall
{
    /// <summary>What to draw, and from which pictures.</summary>
    public required ImageGenerationRequest Request { get; init; }

    /// <summary>Options.</summary>
    public ImageGenerationOptions? Options { get; init; }

    /// <inheritdoc/>
    public override string Operation => "generate_content";

    /// <inheritdoc/>
    public override ModelCapabilities Needs =>
        ModelCapabilities.Images | (Request.OriginalImages?.Any() == true ? ModelCapabilities.ImageEdits : 0);
}
