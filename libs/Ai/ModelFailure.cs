namespace Ai;

/// <summary>Everything that goes wrong with a model call, told apart by what may be done about it; <see cref="ModelFailures"/> says what.</summary>
public enum ModelFailure
{
    /// <summary>400, 413, 422: the provider does not take the request.</summary>
    BadRequest,

    /// <summary>401: the key is wrong or was withdrawn.</summary>
    Unauthorized,

    /// <summary>403: the key may not use the model.</summary>
    Forbidden,

    /// <summary>404: the provider has no such model.</summary>
    NotFound,

    /// <summary>408: the provider did not get the whole request in time.</summary>
    RequestTimeout,

    /// <summary>409: the provider is busy with something that excludes this request.</summary>
    Conflict,

    /// <summary>429: too many requests or tokens just now.</summary>
    RateLimited,

    /// <summary>429 or 402: the account has no money or quota left.</summary>
    QuotaExhausted,

    /// <summary>5xx, 529: the provider is overloaded or broken.</summary>
    ServerError,

    /// <summary>No connection: name, address, TLS, refused.</summary>
    Unreachable,

    /// <summary>Connected and sent, and then no byte within the time for the first one, or the connection broke before it.</summary>
    NoFirstByte,

    /// <summary>The answer had begun and nothing came for the time between two pieces.</summary>
    Idle,

    /// <summary>The answer had begun and its connection broke, or its end marker is missing.</summary>
    Cut,

    /// <summary>The call with all its attempts took longer than it may.</summary>
    TotalTimeout,

    /// <summary>The answer is not what the protocol says.</summary>
    Malformed,

    /// <summary>The answer follows the protocol and not the caller's schema.</summary>
    AnswerInvalid,

    /// <summary>The answer stopped at the limit of tokens where only a whole one is of use.</summary>
    Truncated,

    /// <summary>The model, or the provider's filter, declined.</summary>
    Refused,

    /// <summary>Our own moderation declined.</summary>
    Moderated,

    /// <summary>The request names a model that is not configured.</summary>
    UnsupportedModel,

    /// <summary>The model cannot do this: picture input, tools, a schema, embeddings, pictures, so long a text.</summary>
    CapabilityMissing,

    /// <summary>All keys of the provider are cooling down, used up or disabled, or there is none.</summary>
    NoKey,

    /// <summary>The circuit breaker of the model is open.</summary>
    CircuitOpen,

    /// <summary>The admission queue is full, or the wait in it was too long.</summary>
    Busy,

    /// <summary>A budget of money or tokens is used up until it begins anew.</summary>
    BudgetSpent,
}
