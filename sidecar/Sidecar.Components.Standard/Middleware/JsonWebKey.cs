using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;

namespace Sidecar.Components.Standard.Middleware;

/// <summary>
/// A public key of a JWKS (RFC 7517) and the algorithms it may verify (RFC 8725 §3.1): an RSA key only RS…, a key on a curve only the ES…
/// of that curve, and when the key names an algorithm only that one. Symmetric keys are no keys here.
/// </summary>
internal sealed class JsonWebKey : IDisposable
{
    private const int MinRsaBits = 2048;

    private readonly RSA? _rsa;
    private readonly ECDsa? _curve;
    private readonly string? _algorithm;

    private JsonWebKey(string? id, string? algorithm, RSA? rsa, ECDsa? curve) => (Id, _algorithm, _rsa, _curve) = (id, algorithm, rsa, curve);

    public string? Id { get; }

    /// <summary>The keys for signatures of a JWKS; what is of another kind, too short or broken is left out.</summary>
    public static IReadOnlyList<JsonWebKey> ReadAll(JsonElement set)
    {
        var keys = new List<JsonWebKey>();
        foreach (var element in set.GetProperty("keys").EnumerateArray())
        {
            try
            {
                if (Text(element, "use") is null or "sig" && Read(element) is { } key)
                {
                    keys.Add(key);
                }
            }
            catch (Exception exception) when (exception is FormatException or CryptographicException or InvalidOperationException)
            {
                // The others may be good.
            }
        }

        return keys;
    }

    public bool Verifies(string algorithm, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        if (_algorithm is not null && _algorithm != algorithm)
        {
            return false;
        }

        HashAlgorithmName? hash = algorithm[2..] switch
        {
            "256" => HashAlgorithmName.SHA256,
            "384" => HashAlgorithmName.SHA384,
            "512" => HashAlgorithmName.SHA512,
            _ => null,
        };
        return hash is { } name && (algorithm[..2], _rsa, _curve) switch
        {
            ("RS", { } rsa, _) => rsa.VerifyData(data, signature, name, RSASignaturePadding.Pkcs1),
            ("PS", { } rsa, _) => rsa.VerifyData(data, signature, name, RSASignaturePadding.Pss),
            ("ES", _, { } curve) => algorithm == AlgorithmOf(curve) && curve.VerifyData(data, signature, name),
            _ => false,
        };
    }

    public void Dispose()
    {
        _rsa?.Dispose();
        _curve?.Dispose();
    }

    private static JsonWebKey? Read(JsonElement element) => Text(element, "kty") switch
    {
        "RSA" => ReadRsa(element),
        "EC" => ReadCurve(element),
        _ => null,
    };

    private static JsonWebKey? ReadRsa(JsonElement element)
    {
        var rsa = RSA.Create(new RSAParameters { Modulus = Bytes(element, "n"), Exponent = Bytes(element, "e") });
        if (rsa.KeySize >= MinRsaBits)
        {
            return new JsonWebKey(Text(element, "kid"), Text(element, "alg"), rsa, null);
        }

        rsa.Dispose();
        return null;
    }

    private static JsonWebKey? ReadCurve(JsonElement element)
    {
        ECCurve? curve = Text(element, "crv") switch
        {
            "P-256" => ECCurve.NamedCurves.nistP256,
            "P-384" => ECCurve.NamedCurves.nistP384,
            "P-521" => ECCurve.NamedCurves.nistP521,
            _ => null,
        };
        return curve is not { } named ? null : new JsonWebKey(
            Text(element, "kid"), Text(element, "alg"), null,
            ECDsa.Create(new ECParameters { Curve = named, Q = new ECPoint { X = Bytes(element, "x"), Y = Bytes(element, "y") } }));
    }

    private static string AlgorithmOf(ECDsa curve) => curve.KeySize switch { 256 => "ES256", 384 => "ES384", _ => "ES512" };

    private static byte[] Bytes(JsonElement element, string name) => Base64Url.DecodeFromChars(Text(element, name) ?? throw new FormatException($"'{name}' is missing"));

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
