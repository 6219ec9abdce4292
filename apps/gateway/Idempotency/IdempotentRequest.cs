namespace Gateway.Idempotency;

/// <summary>State document of a key. One of three: running until its lease ends, answered, or free again.</summary>
/// <param name="Fingerprint">SHA-256 of query and body; empty when the key is free again.</param>
/// <param name="Owner">The run that wrote it.</param>
/// <param name="LeaseUntil">Until when the owner alone may carry the request out.</param>
/// <param name="Answer">How it ended.</param>
internal sealed record IdempotentRequest(string Fingerprint, string Owner, DateTimeOffset LeaseUntil, KeptAnswer? Answer = null);

/// <summary>An answer that is given again.</summary>
/// <param name="Status">Status code.</param>
/// <param name="Headers">What the app said, without what the gateway says anew each time, and never a cookie.</param>
/// <param name="Body">Null when it was too large to keep.</param>
internal sealed record KeptAnswer(int Status, IReadOnlyDictionary<string, string?[]> Headers, byte[]? Body)
{
    private static readonly HashSet<string> NotKept = new(StringComparer.OrdinalIgnoreCase)
    {
        "Set-Cookie", "RateLimit", "RateLimit-Policy", "Content-Length", "Transfer-Encoding", "Connection", "Date", "X-Request-ID",
    };

    public static KeptAnswer Of(HttpResponse response, byte[]? body) => new(
        response.StatusCode,
        response.Headers.Where(header => !NotKept.Contains(header.Key)).ToDictionary(header => header.Key, header => header.Value.ToArray()),
        body);
}
