using System.Text.Json.Serialization;

namespace ServiceDefaults.Identity;

/// <summary>Kinds of tokens: the header's <c>typ</c> (RFC 8725 §3.11), each with an audience of its own, so that none passes for another.</summary>
public static class TokenTypes
{
    /// <summary>Access token (RFC 9068), for every app that verifies tokens.</summary>
    public const string Access = "at+jwt";

    /// <summary>Refresh token, for auth alone.</summary>
    public const string Refresh = "rt+jwt";

    /// <summary>Audience of a refresh token.</summary>
    public const string RefreshAudience = "refresh";
}

/// <summary>The claims of our tokens (RFC 7519 §4.1; <c>sid</c> as in OpenID Connect). Times are seconds since 1970.</summary>
public sealed record TokenClaims
{
    public required string Iss { get; init; }

    public required string Aud { get; init; }

    public required string Sub { get; init; }

    public required string Jti { get; init; }

    public required string Sid { get; init; }

    public required long Iat { get; init; }

    public required long Nbf { get; init; }

    public required long Exp { get; init; }

    public required string Provider { get; init; }

    public string[]? Roles { get; init; }

    /// <summary>Space-separated (RFC 8693 §4.2).</summary>
    public string? Scope { get; init; }
}

/// <summary>The header of our tokens. Members that only others know (<c>jku</c>, <c>x5u</c>, <c>jwk</c>, <c>crit</c>) make a token invalid.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record TokenHeader
{
    public required string Alg { get; init; }

    public required string Typ { get; init; }

    public required string Kid { get; init; }
}
