namespace Auth.OAuth;

/// <summary>A sign-in with a provider that ends here.</summary>
/// <param name="reason">Stable code, one of few: for the audit and the metric.</param>
/// <param name="detail">For operators: what was seen. Never a token, a code, or anything of a person.</param>
internal sealed class OAuthFailure(string reason, string? detail = null) : Exception(detail ?? reason)
{
    public string Reason { get; } = reason;

    public string? Detail { get; } = detail;
}
