using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace ServiceDefaults.Identity;

/// <summary>Who a token speaks for.</summary>
public sealed record Identity(string UserId, DateTimeOffset ExpiresAt);

/// <summary>
/// Identity tokens: JWTs of type <c>at+jwt</c> signed with HMAC-SHA256 (RFC 7515, 7519, 9068 for the type). One algorithm, fixed: what a token's
/// header says is compared, never obeyed (RFC 8725). The signing key is secret <c>identity-signing-key</c>.
/// </summary>
public sealed class IdentityTokens(TimeProvider time)
{
    /// <summary>Cookie that carries the token.</summary>
    public const string CookieName = "Access";

    /// <summary>Name of the secret that holds the key.</summary>
    public const string KeyName = "identity-signing-key";

    /// <summary>Configuration key that gives the signing key directly, instead of the secret.</summary>
    public const string KeySetting = "Identity:SigningKey";

    private const int MinKeyBytes = 32;
    private const int MaxTokenLength = 4096;
    private const string Issuer = "tandem";
    private const string Audience = "api";
    private static readonly TimeSpan Leeway = TimeSpan.FromSeconds(5);
    private static readonly string Header = Base64Url.EncodeToString("""{"alg":"HS256","typ":"at+jwt"}"""u8);

    private byte[]? _key;

    /// <summary>Sets the key, at least 32 bytes.</summary>
    public void UseKey(string key)
    {
        var bytes = Encoding.UTF8.GetBytes(key);
        _key = bytes.Length >= MinKeyBytes ? bytes : throw new InvalidOperationException($"{KeyName} must have at least {MinKeyBytes} bytes");
    }

    /// <summary>A token for a user.</summary>
    public string Issue(string userId, TimeSpan lifetime)
    {
        var now = time.GetUtcNow();
        var payload = JsonSerializer.SerializeToUtf8Bytes(new Payload(
            Issuer, Audience, userId, Guid.NewGuid().ToString("N"), now.ToUnixTimeSeconds(), (now + lifetime).ToUnixTimeSeconds()), TandemJson.Options);
        var signed = $"{Header}.{Base64Url.EncodeToString(payload)}";
        return $"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(Key, Encoding.ASCII.GetBytes(signed)))}";
    }

    /// <summary>The identity of a valid token, else null: wrong form, header, signature, issuer, audience, or expired.</summary>
    public Identity? Verify(string token)
    {
        if (token.Length > MaxTokenLength || token.Split('.') is not [var header, var body, var signature] || header != Header)
        {
            return null;
        }

        Span<byte> expected = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(Key, Encoding.ASCII.GetBytes($"{header}.{body}"), expected);
        try
        {
            if (!CryptographicOperations.FixedTimeEquals(Base64Url.DecodeFromChars(signature), expected)
                || JsonSerializer.Deserialize<Payload>(Base64Url.DecodeFromChars(body), TandemJson.Options) is not { Sub.Length: > 0 } payload
                || payload.Iss != Issuer || payload.Aud != Audience)
            {
                return null;
            }

            var expires = DateTimeOffset.FromUnixTimeSeconds(payload.Exp);
            return expires + Leeway > time.GetUtcNow() ? new Identity(payload.Sub, expires) : null;
        }
        catch (Exception exception) when (exception is FormatException or JsonException or ArgumentOutOfRangeException)
        {
            return null;
        }
    }

    /// <summary>The identity of a request: Bearer header, else cookie.</summary>
    public Identity? Authenticate(HttpRequest request)
    {
        var token = request.Headers.Authorization is [{ } value, ..]
            ? value.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? value["Bearer ".Length..].Trim() : null
            : request.Cookies[CookieName];
        return string.IsNullOrEmpty(token) ? null : Verify(token);
    }

    private byte[] Key => _key ?? throw new InvalidOperationException($"{KeyName} is not loaded yet");

    private sealed record Payload(string Iss, string Aud, string Sub, string Jti, long Iat, long Exp);
}
