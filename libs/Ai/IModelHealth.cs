using Ai.Catalogue;

namespace Ai;

/// <summary>What this process has learnt about models from the calls that it made.</summary>
public interface IModelHealth
{
    /// <summary>Why a call to the model would fail at once: its breaker is open, or none of its keys may be used. Null when nothing speaks against it.</summary>
    ModelOutage? OutageOf(ModelInfo model);
}

/// <summary>Why a model cannot be called now.</summary>
/// <param name="Failure"><see cref="ModelFailure.CircuitOpen"/> or <see cref="ModelFailure.NoKey"/>.</param>
/// <param name="Reason">For people; names keys by their secret, never by their value.</param>
/// <param name="RetryAfter">After how long it may be tried again.</param>
public sealed record ModelOutage(ModelFailure Failure, string Reason, TimeSpan RetryAfter);
