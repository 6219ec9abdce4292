using System.Text.Json;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace TestKit;

/// <summary>Tokens as auth makes them, signed with a key of this test run.</summary>
public static class TestTokens
{
    /// <summary>Signs them.</summary>
    public static SigningKey Key { get; } = SigningKey.Create("test", TokenAlgorithms.Rs256);

    /// <summary>Value of the setting <see cref="Setting"/>: the public part of <see cref="Key"/>.</summary>
    public static string Jwks { get; } = JsonSerializer.Serialize(new JsonWebKeySet([Key.ToPublic()]), TandemJson.Options);

    /// <summary>Setting that gives an app the keys.</summary>
    public const string Setting = $"{IdentityOptions.Section}:{nameof(IdentityOptions.Jwks)}";

    /// <summary>An access token.</summary>
    public static string Of(string user, TimeSpan? lifetime = null, DateTimeOffset? now = null, Func<TokenClaims, TokenClaims>? change = null)
    {
        var claims = Claims(user, lifetime, now);
        return TokenWriter.Write(Key, TokenTypes.Access, change?.Invoke(claims) ?? claims);
    }

    /// <summary>Claims that are accepted.</summary>
    public static TokenClaims Claims(string user, TimeSpan? lifetime = null, DateTimeOffset? now = null)
    {
        var start = now ?? TimeProvider.System.GetUtcNow();
        return new TokenClaims
        {
            Iss = "tandem",
            Aud = "api",
            Sub = user,
            Jti = Guid.NewGuid().ToString("N"),
            Sid = Guid.NewGuid().ToString("N"),
            Iat = start.ToUnixTimeSeconds(),
            Nbf = start.ToUnixTimeSeconds(),
            Exp = (start + (lifetime ?? TimeSpan.FromHours(1))).ToUnixTimeSeconds(),
            Provider = "guest",
            Roles = ["user"],
        };
    }
}
