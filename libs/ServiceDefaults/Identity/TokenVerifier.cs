using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;

namespace ServiceDefaults.Identity;

/// <summary>Why a token is not accepted.</summary>
public enum TokenFailure
{
    /// <summary>It is accepted.</summary>
    None,

    /// <summary>There is none.</summary>
    Missing,

    /// <summary>Wrong form, header, key, signature, issuer, audience or type; or not valid yet.</summary>
    Invalid,

    /// <summary>Its time is over.</summary>
    Expired,

    /// <summary>It was taken back.</summary>
    Revoked,

    /// <summary>It cannot be judged now: the keys or the revocations are not known.</summary>
    Unavailable,
}

/// <summary>
/// Verifies tokens by the rules of RFC 8725: the type, the algorithm of the key and the source of the keys are fixed here; what a token's
/// header says is compared, never obeyed. Revocation is checked by <see cref="RequestTokens"/>.
/// </summary>
public sealed class TokenVerifier(VerificationKeys keys, TimeProvider time, IOptions<IdentityOptions> options)
{
    private const int MaxTokenLength = 4096;

    private readonly IdentityOptions _options = options.Value;

    /// <summary>The identity of an access token.</summary>
    public TokenFailure VerifyAccess(string token, out Identity? identity)
    {
        identity = null;
        var failure = Verify(token, TokenTypes.Access, _options.Audience, out var claims);
        if (failure == TokenFailure.None)
        {
            identity = new Identity(
                claims!.Sub, claims.Sid, claims.Jti, claims.Provider, claims.Roles ?? [], claims.Scope?.Split(' ', StringSplitOptions.RemoveEmptyEntries),
                DateTimeOffset.FromUnixTimeSeconds(claims.Iat), DateTimeOffset.FromUnixTimeSeconds(claims.Exp));
        }

        return failure;
    }

    /// <summary>The claims of a token of one type and audience.</summary>
    public TokenFailure Verify(string token, string type, string audience, out TokenClaims? claims)
    {
        claims = null;
        if (!keys.AreLoaded)
        {
            return TokenFailure.Unavailable;
        }

        try
        {
            if (token.Length > MaxTokenLength || token.Split('.') is not [var header, var payload, var signature]
                || Read<TokenHeader>(header) is not { } head || head.Typ != type
                || keys.Find(head.Kid) is not { } key || key.Algorithm != head.Alg
                || !key.Verify(Encoding.ASCII.GetBytes(token[..(header.Length + 1 + payload.Length)]), Base64Url.DecodeFromChars(signature))
                || Read<TokenClaims>(payload) is not { Sub.Length: > 0, Sid.Length: > 0, Jti.Length: > 0 } read
                || read.Iss != _options.Issuer || read.Aud != audience)
            {
                return TokenFailure.Invalid;
            }

            var now = time.GetUtcNow();
            if (DateTimeOffset.FromUnixTimeSeconds(read.Nbf) > now + _options.Leeway)
            {
                return TokenFailure.Invalid;
            }

            if (DateTimeOffset.FromUnixTimeSeconds(read.Exp) + _options.Leeway <= now)
            {
                return TokenFailure.Expired;
            }

            claims = read;
            return TokenFailure.None;
        }
        catch (Exception exception) when (exception is FormatException or JsonException or ArgumentOutOfRangeException)
        {
            return TokenFailure.Invalid;
        }
    }

    private static T? Read<T>(string part) => JsonSerializer.Deserialize<T>(Base64Url.DecodeFromChars(part), TandemJson.Options);
}
