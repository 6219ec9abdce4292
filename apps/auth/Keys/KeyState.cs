namespace Auth.Keys;

/// <summary>A key as an operator sees it.</summary>
/// <param name="KeyId">Header member <c>kid</c>.</param>
/// <param name="Algorithm"><c>RS256</c> or <c>ES256</c>.</param>
/// <param name="State"><see cref="Next"/>, <see cref="Signing"/> or <see cref="Verifying"/>.</param>
/// <param name="CreatedAt">When it was made, and published.</param>
/// <param name="SignsFrom">When it began to sign, or will.</param>
/// <param name="EndsAt">When it is removed; null before its successor is known.</param>
public sealed record KeyState(string KeyId, string Algorithm, string State, DateTimeOffset CreatedAt, DateTimeOffset SignsFrom, DateTimeOffset? EndsAt)
{
    /// <summary>Published, so that everybody knows it when it signs.</summary>
    public const string Next = "next";

    /// <summary>Signs new tokens.</summary>
    public const string Signing = "signing";

    /// <summary>Only verifies what it signed.</summary>
    public const string Verifying = "verifying";
}
