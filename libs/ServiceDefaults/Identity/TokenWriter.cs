using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace ServiceDefaults.Identity;

/// <summary>Writes signed tokens (JWS compact serialization, RFC 7515 §7.1).</summary>
public static class TokenWriter
{
    /// <summary>A token of one of the <see cref="TokenTypes"/>.</summary>
    public static string Write(SigningKey key, string type, TokenClaims claims)
    {
        var header = JsonSerializer.SerializeToUtf8Bytes(new TokenHeader { Alg = key.Algorithm, Typ = type, Kid = key.KeyId }, TandemJson.Options);
        var payload = JsonSerializer.SerializeToUtf8Bytes(claims, TandemJson.Options);
        var signed = $"{Base64Url.EncodeToString(header)}.{Base64Url.EncodeToString(payload)}";
        return $"{signed}.{Base64Url.EncodeToString(key.Sign(Encoding.ASCII.GetBytes(signed)))}";
    }
}
