using Ai.Catalogue;
using Microsoft.Extensions.AI;

namespace Ai.Calls;

/// <summary>How a call ended.</summary>
/// <param name="Usage">Tokens, as far as the provider told.</param>
/// <param name="Error">Null after success; <see cref="OperationCanceledException"/> when the reader left early.</param>
public sealed record CallEnd(UsageDetails? Usage, Exception? Error);

/// <summary>
/// What came back: a whole answer, which has ended already, or a stream of which the first piece is there. Policies that must know the end ask with
/// <see cref="WhenEnded"/>, so that each is written once for text, streams, embeddings and pictures.
/// </summary>
public abstract class ModelAnswer(ModelInfo model)
{
    /// <summary>Who spoke.</summary>
    public ModelInfo Model { get; } = model;

    /// <summary>Why it was not the model that was asked for; null when it was.</summary>
    public ModelFailure? FallbackReason { get; set; }

    /// <summary>Whether it was kept from an earlier call.</summary>
    public bool Cached { get; init; }

    /// <summary>Runs <paramref name="act"/> once, when the answer has ended: now, if it has. It must not throw.</summary>
    public abstract void WhenEnded(Action<CallEnd> act);
}

/// <summary>A whole answer: a <see cref="ChatResponse"/>, embeddings or pictures.</summary>
public sealed class WholeAnswer<T>(ModelInfo model, T value, UsageDetails? usage) : ModelAnswer(model)
{
    /// <summary>The answer.</summary>
    public T Value { get; } = value;

    /// <summary>Tokens, as far as the provider told.</summary>
    public UsageDetails? Usage { get; } = usage;

    /// <inheritdoc/>
    public override void WhenEnded(Action<CallEnd> act) => act(new CallEnd(Usage, Error: null));
}
