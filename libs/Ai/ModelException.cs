namespace Ai;

/// <summary>A model call that failed. The message is for people and holds no prompt, picture, answer or key: see also <see cref="PiiMask"/>.</summary>
public sealed class ModelException(ModelFailure failure, string message, Exception? innerException = null) : Exception(PiiMask.Mask(message), innerException)
{
    /// <summary>What went wrong.</summary>
    public ModelFailure Failure { get; } = failure;

    /// <summary>What may be done about it.</summary>
    public FailureRule Rule { get; } = ModelFailures.RuleOf(failure);

    /// <summary>Stable code.</summary>
    public string Code => Rule.Code;

    /// <summary>Whether the same request may succeed later.</summary>
    public bool IsTransient => Rule.Transient;

    /// <summary>HTTP status of the provider, null when there was none.</summary>
    public int? Status { get; init; }

    /// <summary>How long the provider, or our own queue, asks to wait; null when it does not say.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Whether it was the fault of the key, and another key of the provider is ready: the call may be sent again at once.</summary>
    internal bool AnotherKey { get; init; }
}
