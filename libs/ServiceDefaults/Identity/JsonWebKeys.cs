using System.Text.Json.Serialization;

namespace ServiceDefaults.Identity;

/// <summary>A public key (RFC 7517): RSA with <c>n</c> and <c>e</c>, or elliptic curve P-256 with <c>x</c> and <c>y</c>, all base64url.</summary>
public sealed record JsonWebKey
{
    [JsonPropertyName("kty")]
    public required string KeyType { get; init; }

    [JsonPropertyName("use")]
    public string Use { get; init; } = "sig";

    [JsonPropertyName("alg")]
    public required string Algorithm { get; init; }

    [JsonPropertyName("kid")]
    public required string KeyId { get; init; }

    public string? N { get; init; }

    public string? E { get; init; }

    [JsonPropertyName("crv")]
    public string? Curve { get; init; }

    public string? X { get; init; }

    public string? Y { get; init; }
}

/// <summary>The keys that verify our tokens, as auth publishes them at <c>/api/v1/auth/.well-known/jwks.json</c>.</summary>
public sealed record JsonWebKeySet(IReadOnlyList<JsonWebKey> Keys);
