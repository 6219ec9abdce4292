using System.Buffers.Text;
using System.Text;
using ServiceDefaults.Identity;

namespace ServiceDefaults.Tests;

/// <summary>Writes tokens that auth would never write, some of them signed by its key.</summary>
internal static class TokenForger
{
    /// <summary>2026-01-01T00:00Z, where the tests' clock stands.</summary>
    public const long Now = 1767225600;

    public const string Claims =
        """{"iss":"tandem","aud":"api","sub":"u","jti":"j","sid":"s","iat":1767225600,"nbf":1767225600,"exp":1767229200,"provider":"guest","roles":["user"]}""";

    public static string Header(SigningKey key, string type = TokenTypes.Access, string? keyId = null, string? algorithm = null) =>
        $$"""{"alg":"{{algorithm ?? key.Algorithm}}","typ":"{{type}}","kid":"{{keyId ?? key.KeyId}}"}""";

    /// <summary>Signed as it should be, whatever it says.</summary>
    public static string Sign(SigningKey key, string header, string claims) => Sign(header, claims, data => key.Sign(data));

    public static string Sign(string header, string claims, Func<byte[], byte[]> sign)
    {
        var signed = $"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header))}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims))}";
        return $"{signed}.{Base64Url.EncodeToString(sign(Encoding.ASCII.GetBytes(signed)))}";
    }
}
