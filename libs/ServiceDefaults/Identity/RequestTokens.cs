using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace ServiceDefaults.Identity;

/// <summary>What came of the token of a request.</summary>
/// <param name="Failure">None when <paramref name="Identity"/> is known.</param>
/// <param name="Identity">Whom it speaks for.</param>
/// <param name="Token">The token, a part of what the request holds.</param>
/// <param name="ByCookie">Whether the browser sent it on its own, so that the request may have been forged by another site.</param>
public readonly record struct TokenCheck(TokenFailure Failure, Identity? Identity, ReadOnlyMemory<char> Token, bool ByCookie);

/// <summary>The one check of requests, in gateway, sse and the upload route alike: <c>Authorization: Bearer</c>, else the cookie; valid and not revoked.</summary>
public sealed class RequestTokens(VerifiedTokens tokens, RevokedTokens revoked, IdentityCookies cookies)
{
    private const string Bearer = "Bearer ";

    /// <summary>Checks a request's token.</summary>
    public TokenCheck Check(HttpRequest request)
    {
        var byCookie = request.Headers.Authorization is not [{ Length: > 0 }, ..];
        var token = byCookie ? request.Cookies[cookies.Access].AsMemory() : BearerOf(request.Headers.Authorization);
        if (token.IsEmpty)
        {
            return new TokenCheck(TokenFailure.Missing, null, default, false);
        }

        var failure = tokens.VerifyAccess(token.Span, out var identity);
        if (failure == TokenFailure.None)
        {
            failure = !revoked.AreKnown ? TokenFailure.Unavailable : revoked.Contains(identity!) ? TokenFailure.Revoked : TokenFailure.None;
        }

        return new TokenCheck(failure, failure == TokenFailure.None ? identity : null, token, byCookie);
    }

    /// <summary>The challenge of a request that needs a token (RFC 6750 §3): 401 with the reason, or 503 when nobody can be told from anybody now.</summary>
    public static Task RefuseAsync(HttpContext http, TokenFailure failure)
    {
        if (failure == TokenFailure.Unavailable)
        {
            http.Response.Headers.RetryAfter = "1";
            return Problems.WriteAsync(http, StatusCodes.Status503ServiceUnavailable, "IDENTITY_UNAVAILABLE", "Tokens cannot be checked right now; try again soon");
        }

        http.Response.Headers.WWWAuthenticate = failure == TokenFailure.Missing ? "Bearer" : "Bearer error=\"invalid_token\"";
        var (code, detail) = failure switch
        {
            TokenFailure.Expired => ("TOKEN_EXPIRED", "The token has expired"),
            TokenFailure.Revoked => ("TOKEN_REVOKED", "The token was revoked; sign in again"),
            TokenFailure.Invalid => ("INVALID_TOKEN", "The token is not valid"),
            _ => ("UNAUTHORIZED", "Sign in first"),
        };
        return Problems.WriteAsync(http, StatusCodes.Status401Unauthorized, code, detail);
    }

    /// <summary>Of several headers none is believed: somebody else may read another one than we.</summary>
    private static ReadOnlyMemory<char> BearerOf(StringValues authorization) =>
        authorization is [{ } header] && header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? header.AsMemory(Bearer.Length).Trim() : default;
}
