using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
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
    /// <summary>Longer ones are refused unread.</summary>
    internal const int MaxTokenLength = 4096;

    /// <summary>RFC 7519 does not limit times; this is the last second that <see cref="DateTimeOffset"/> has.</summary>
    private const long LastSecond = 253402300799;

    /// <summary>The alphabet of base64url and the separator: the decoder would pass over spaces and padding, so that one token had many spellings.</summary>
    private static readonly SearchValues<char> Alphabet =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");

    /// <summary>Exact names, each member once (RFC 8725 §2.4 warns of readers that differ), no more nesting than a list.</summary>
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Strict)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        // Later versions of auth may add claims; the header has its own rule.
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip,
        MaxDepth = 4,
    };

    private readonly IdentityOptions _options = options.Value;

    /// <summary>The identity of an access token.</summary>
    public TokenFailure VerifyAccess(ReadOnlySpan<char> token, out Identity? identity) => VerifyAccess(token, out identity, out _);

    /// <summary>The claims of a token of one type and audience.</summary>
    public TokenFailure Verify(ReadOnlySpan<char> token, string type, string audience, out TokenClaims? claims) =>
        Verify(token, type, audience, out claims, out _);

    /// <summary>Likewise, and the key that verified it.</summary>
    internal TokenFailure VerifyAccess(ReadOnlySpan<char> token, out Identity? identity, out VerificationKey? key)
    {
        var failure = Verify(token, TokenTypes.Access, _options.Audience, out var claims, out key);
        identity = failure != TokenFailure.None ? null : new Identity(
            claims!.Sub, claims.Sid, claims.Jti, claims.Provider, claims.Roles ?? [], claims.Scope?.Split(' ', StringSplitOptions.RemoveEmptyEntries),
            DateTimeOffset.FromUnixTimeSeconds(claims.Iat), DateTimeOffset.FromUnixTimeSeconds(claims.Exp));
        return failure;
    }

    private TokenFailure Verify(ReadOnlySpan<char> token, string type, string audience, out TokenClaims? claims, out VerificationKey? key)
    {
        (claims, key) = (null, null);
        if (!keys.AreLoaded)
        {
            return TokenFailure.Unavailable;
        }

        if (token.Length > MaxTokenLength || token.ContainsAnyExcept(Alphabet))
        {
            return TokenFailure.Invalid;
        }

        Span<byte> bytes = stackalloc byte[MaxTokenLength];
        bytes = bytes[..Encoding.ASCII.GetBytes(token, bytes)];
        var (header, payload) = (bytes.IndexOf((byte)'.'), bytes.LastIndexOf((byte)'.'));
        if (header == payload || bytes[(header + 1)..payload].Contains((byte)'.'))
        {
            return TokenFailure.Invalid;
        }

        Span<byte> decoded = stackalloc byte[MaxTokenLength];
        try
        {
            if (Read<TokenHeader>(bytes[..header], decoded) is not { } head || head.Typ != type
                || keys.Find(head.Kid) is not { } found || found.Algorithm != head.Alg
                || !found.Verify(bytes[..payload], Decode(bytes[(payload + 1)..], decoded))
                || Read<TokenClaims>(bytes[(header + 1)..payload], decoded) is not { Sub.Length: > 0, Sid.Length: > 0, Jti.Length: > 0 } read
                || read.Iss != _options.Issuer || read.Aud != audience)
            {
                return TokenFailure.Invalid;
            }

            var failure = CheckTimes(read);
            if (failure == TokenFailure.None)
            {
                (claims, key) = (read, found);
            }

            return failure;
        }
        catch (JsonException)
        {
            return TokenFailure.Invalid;
        }
    }

    /// <summary>Not before <c>nbf</c>, not issued in the future, until <c>exp</c> (RFC 7519 §4.1), all with the leeway.</summary>
    private TokenFailure CheckTimes(TokenClaims claims)
    {
        if (claims.Exp is < 0 or > LastSecond || claims.Nbf is < 0 or > LastSecond || claims.Iat is < 0 or > LastSecond)
        {
            return TokenFailure.Invalid;
        }

        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        var leeway = (long)_options.Leeway.TotalMilliseconds;
        return Math.Max(claims.Nbf, claims.Iat) * 1000 > now + leeway ? TokenFailure.Invalid
            : claims.Exp * 1000 + leeway <= now ? TokenFailure.Expired
            : TokenFailure.None;
    }

    private static T? Read<T>(ReadOnlySpan<byte> part, Span<byte> buffer) => JsonSerializer.Deserialize<T>(Decode(part, buffer), Json);

    /// <summary>Empty when it is not base64url in its one right spelling.</summary>
    private static ReadOnlySpan<byte> Decode(ReadOnlySpan<byte> part, Span<byte> buffer) =>
        Base64Url.DecodeFromUtf8(part, buffer, out _, out var written) == OperationStatus.Done ? buffer[..written] : [];
}
