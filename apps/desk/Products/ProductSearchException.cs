namespace Desk.Products;

/// <summary>Why a search failed. In logs and metrics as UPPER_SNAKE, see <see cref="ProductSearchException.Code"/>; a job does not fail for it.</summary>
public enum ProductSearchFailure
{
    /// <summary>There are no credentials.</summary>
    NoCredentials,

    /// <summary>The credentials are wrong, or not meant for the search.</summary>
    Unauthorized,

    /// <summary>The server does not take the request as it is.</summary>
    Refused,

    /// <summary>Too many requests at this moment.</summary>
    RateLimited,

    /// <summary>The server says that its quota of the day is spent.</summary>
    QuotaExhausted,

    /// <summary>What we allow ourselves in a day is spent.</summary>
    DayLimitReached,

    /// <summary>The calls of the day cannot be counted, so none is made.</summary>
    CounterAway,

    /// <summary>The server failed.</summary>
    Unavailable,

    /// <summary>No whole answer in time.</summary>
    Timeout,

    /// <summary>No connection, or one that broke.</summary>
    Unreachable,

    /// <summary>The answer is none.</summary>
    Malformed,

    /// <summary>The answer is larger than allowed.</summary>
    TooLarge,

    /// <summary>It has failed too often to be asked now.</summary>
    CircuitOpen,
}

/// <summary>A search that failed.</summary>
public sealed class ProductSearchException(ProductSearchFailure failure, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Why.</summary>
    public ProductSearchFailure Failure => failure;

    /// <summary>How long the server asks to be left alone.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The failure as it is logged and counted: <c>NAVER_RATE_LIMITED</c>.</summary>
    public string Code => CodeOf(failure);

    /// <summary>The stable code of a failure.</summary>
    public static string CodeOf(ProductSearchFailure failure) => failure switch
    {
        ProductSearchFailure.NoCredentials => "NAVER_NO_CREDENTIALS",
        ProductSearchFailure.Unauthorized => "NAVER_UNAUTHORIZED",
        ProductSearchFailure.Refused => "NAVER_REFUSED",
        ProductSearchFailure.RateLimited => "NAVER_RATE_LIMITED",
        ProductSearchFailure.QuotaExhausted => "NAVER_QUOTA_EXHAUSTED",
        ProductSearchFailure.DayLimitReached => "NAVER_DAY_LIMIT_REACHED",
        ProductSearchFailure.CounterAway => "NAVER_COUNTER_AWAY",
        ProductSearchFailure.Unavailable => "NAVER_UNAVAILABLE",
        ProductSearchFailure.Timeout => "NAVER_TIMEOUT",
        ProductSearchFailure.Unreachable => "NAVER_UNREACHABLE",
        ProductSearchFailure.Malformed => "NAVER_MALFORMED",
        ProductSearchFailure.TooLarge => "NAVER_TOO_LARGE",
        _ => "NAVER_CIRCUIT_OPEN",
    };
}
