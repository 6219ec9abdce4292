using ModelServers;

namespace Ai.Tests.Policies;

/// <summary>Something that goes wrong upstream, and what it is to the rest of the platform.</summary>
internal sealed record Fault(string Name, ModelFailure Failure, Func<Task, ModelReply>? Reply)
{
    public static readonly TimeSpan LongWait = TimeSpan.FromSeconds(30);

    public static readonly Fault[] All =
    [
        Status("400", ModelFailure.BadRequest, 400),
        Status("401", ModelFailure.Unauthorized, 401),
        Status("403", ModelFailure.Forbidden, 403),
        Status("404", ModelFailure.NotFound, 404),
        Status("408", ModelFailure.RequestTimeout, 408),
        Status("409", ModelFailure.Conflict, 409),
        Status("429", ModelFailure.RateLimited, 429),
        Status("429 with Retry-After", ModelFailure.RateLimited, 429, LongWait),
        new("quota", ModelFailure.QuotaExhausted, _ => ModelReply.QuotaExhausted),
        Status("500", ModelFailure.ServerError, 500),
        Status("503 with Retry-After", ModelFailure.ServerError, 503, LongWait),
        Status("503 to a stream", ModelFailure.ServerError, 503) with { Streamed = true },
        new("no server", ModelFailure.Unreachable, Reply: null),
        new("cut before the first byte", ModelFailure.NoFirstByte, _ => ModelReply.CutBeforeFirstByte),
        new("slow first byte", ModelFailure.NoFirstByte, ModelReply.SlowFirstByte) { Hangs = true },
        new("slow first byte of a stream", ModelFailure.NoFirstByte, ModelReply.SlowFirstByte) { Hangs = true, Streamed = true },
        new("broken JSON", ModelFailure.Malformed, _ => ModelReply.MalformedJson),
        new("cut answer", ModelFailure.Cut, _ => ModelReply.Cut()),
        new("cut stream", ModelFailure.Cut, _ => ModelReply.Cut(2)) { Streamed = true, Given = "one two " },
        new("stream without end", ModelFailure.Cut, _ => ModelReply.Unfinished(2)) { Streamed = true, Given = "one two " },
        new("idle stream", ModelFailure.Idle, until => ModelReply.Idle(2, until)) { Streamed = true, Hangs = true, Given = "one two " },
        new("refusal", ModelFailure.Refused, _ => ModelReply.Refusal("no")),
    ];

    /// <summary>Whether the answer is asked for in pieces.</summary>
    public bool Streamed { get; init; }

    /// <summary>Whether it goes on until somebody gives up.</summary>
    public bool Hangs { get; init; }

    /// <summary>What the provider asks to wait.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>What had been given out by then; nothing is sent again after that.</summary>
    public string Given { get; init; } = "";

    /// <summary>What the documentation says.</summary>
    public FailureRow Row => FailureTable.Rows[Failure];

    /// <summary>How often a request arrives at the provider, by the documentation, with the waits of <see cref="FaultRun"/>.</summary>
    public int Requests(int keys = 1) => this switch
    {
        { Reply: null } => 0,
        { Given.Length: > 0 } => 1,
        { Row.SentAgain: "no" } => 1,
        { Row.SentAgain: "another key" } or { Row.Key: "cools down" } => keys,
        // Longer than the longest wait.
        { RetryAfter: not null } => 1,
        { Failure: ModelFailure.Malformed } => 1 + FaultRun.AnswerRetries,
        _ => 1 + FaultRun.Retries,
    };

    private static Fault Status(string name, ModelFailure failure, int status, TimeSpan? retryAfter = null) =>
        new(name, failure, _ => ModelReply.Status(status, retryAfter: retryAfter)) { RetryAfter = retryAfter };
}
