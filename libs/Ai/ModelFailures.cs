namespace Ai;

/// <summary>Whether the same request may be sent again after a failure.</summary>
public enum Resend
{
    /// <summary>No: it would fail again, or part of the answer has been given out.</summary>
    Never,

    /// <summary>Yes: the provider cannot have started on it, or says that it did not.</summary>
    Safe,

    /// <summary>Yes, but the provider may have worked on it and may bill it twice.</summary>
    MayBillTwice,
}

/// <summary>What a failure means: the table of docs/models.md, which a test compares with this one.</summary>
/// <param name="Code">Stable code that users see.</param>
/// <param name="Resend">Whether the same request may be sent again, before the first token has been given out; never after it.</param>
/// <param name="NextModel">Whether another model of the fallback chain may answer instead.</param>
/// <param name="Transient">Whether the whole call may succeed later, so that a workflow tries the step again.</param>
public sealed record FailureRule(string Code, Resend Resend, bool NextModel, bool Transient)
{
    /// <summary>Whether the failure speaks against the model's health: what the circuit breaker counts.</summary>
    public bool CountsAgainstModel { get; init; }
}

/// <summary>The rule of each failure.</summary>
public static class ModelFailures
{
    /// <summary>The rule of a failure.</summary>
    public static FailureRule RuleOf(ModelFailure failure) => failure switch
    {
        ModelFailure.BadRequest => new("MODEL_REJECTED_REQUEST", Resend.Never, NextModel: false, Transient: false),
        ModelFailure.Unauthorized => new("MODEL_UNAVAILABLE", Resend.Safe, NextModel: true, Transient: true),
        ModelFailure.Forbidden => new("MODEL_UNAVAILABLE", Resend.Safe, NextModel: true, Transient: true),
        ModelFailure.NotFound => new("MODEL_UNAVAILABLE", Resend.Never, NextModel: true, Transient: false),
        ModelFailure.RequestTimeout => Unhealthy(Resend.Safe),
        ModelFailure.Conflict => new("MODEL_UNAVAILABLE", Resend.Safe, NextModel: true, Transient: true),
        ModelFailure.RateLimited => new("MODEL_UNAVAILABLE", Resend.Safe, NextModel: true, Transient: true),
        ModelFailure.QuotaExhausted => new("MODEL_UNAVAILABLE", Resend.Safe, NextModel: true, Transient: true),
        ModelFailure.ServerError => Unhealthy(Resend.Safe),
        ModelFailure.Unreachable => Unhealthy(Resend.Safe),
        ModelFailure.NoFirstByte => Unhealthy(Resend.MayBillTwice),
        ModelFailure.Idle => Unhealthy(Resend.MayBillTwice),
        ModelFailure.Cut => Unhealthy(Resend.MayBillTwice),
        ModelFailure.TotalTimeout => new("MODEL_UNAVAILABLE", Resend.Never, NextModel: false, Transient: true),
        ModelFailure.Malformed => Unhealthy(Resend.MayBillTwice),
        ModelFailure.AnswerInvalid => new("MODEL_ANSWER_INVALID", Resend.MayBillTwice, NextModel: true, Transient: true),
        ModelFailure.Truncated => new("MODEL_ANSWER_INVALID", Resend.Never, NextModel: true, Transient: false),
        ModelFailure.Refused => new("MODEL_REFUSED", Resend.Never, NextModel: false, Transient: false),
        ModelFailure.Moderated => new("MODEL_REFUSED", Resend.Never, NextModel: false, Transient: false),
        ModelFailure.UnsupportedModel => new("MODEL_UNSUPPORTED", Resend.Never, NextModel: false, Transient: false),
        ModelFailure.CapabilityMissing => new("MODEL_CAPABILITY_MISSING", Resend.Never, NextModel: false, Transient: false),
        ModelFailure.NoKey => new("MODEL_UNAVAILABLE", Resend.Safe, NextModel: true, Transient: true),
        ModelFailure.CircuitOpen => new("MODEL_UNAVAILABLE", Resend.Never, NextModel: true, Transient: true),
        ModelFailure.Busy => new("LLM_BUSY", Resend.Never, NextModel: false, Transient: true),
        ModelFailure.BudgetSpent => new("MODEL_BUDGET_SPENT", Resend.Never, NextModel: true, Transient: false),
        _ => throw new ArgumentOutOfRangeException(nameof(failure), failure, message: null),
    };

    /// <summary>The failure that an HTTP status stands for; a provider tells quota from rate by its own error code first.</summary>
    public static ModelFailure OfStatus(int status) => status switch
    {
        401 => ModelFailure.Unauthorized,
        402 => ModelFailure.QuotaExhausted,
        403 => ModelFailure.Forbidden,
        404 => ModelFailure.NotFound,
        408 => ModelFailure.RequestTimeout,
        409 => ModelFailure.Conflict,
        429 => ModelFailure.RateLimited,
        >= 500 => ModelFailure.ServerError,
        _ => ModelFailure.BadRequest,
    };

    private static FailureRule Unhealthy(Resend resend) => new("MODEL_UNAVAILABLE", resend, NextModel: true, Transient: true) { CountsAgainstModel = true };
}
