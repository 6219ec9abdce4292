using System.Buffers.Text;
using System.Security.Cryptography;

namespace ServiceDefaults.Identity;

/// <summary>The algorithms of our tokens (RFC 7518 §3.1).</summary>
public static class TokenAlgorithms
{
    /// <summary>RSASSA-PKCS1-v1_5 with SHA-256 and 2048 bits: verifies three times faster than ES256, so it is the default.</summary>
    public const string Rs256 = "RS256";

    /// <summary>ECDSA on P-256 with SHA-256: short signatures.</summary>
    public const string Es256 = "ES256";
}

/// <summary>A private key that signs tokens.</summary>
public sealed class SigningKey : IDisposable
{
    private const int RsaBits = 2048;

    private readonly AsymmetricAlgorithm _key;
    private readonly Lock _gate = new();

    private SigningKey(string keyId, string algorithm, AsymmetricAlgorithm key) => (KeyId, Algorithm, _key) = (keyId, algorithm, key);

    /// <summary>Header member <c>kid</c>.</summary>
    public string KeyId { get; }

    /// <summary>One of <see cref="TokenAlgorithms"/>.</summary>
    public string Algorithm { get; }

    /// <summary>A new key.</summary>
    public static SigningKey Create(string keyId, string algorithm) => new(keyId, algorithm, algorithm switch
    {
        TokenAlgorithms.Rs256 => RSA.Create(RsaBits),
        TokenAlgorithms.Es256 => ECDsa.Create(ECCurve.NamedCurves.nistP256),
        _ => throw Unknown(algorithm),
    });

    /// <summary>A key that <see cref="ExportPkcs8"/> wrote.</summary>
    public static SigningKey Import(string keyId, string algorithm, ReadOnlySpan<byte> pkcs8)
    {
        AsymmetricAlgorithm key = algorithm switch
        {
            TokenAlgorithms.Rs256 => RSA.Create(),
            TokenAlgorithms.Es256 => ECDsa.Create(),
            _ => throw Unknown(algorithm),
        };
        key.ImportPkcs8PrivateKey(pkcs8, out _);
        return new SigningKey(keyId, algorithm, key);
    }

    /// <summary>The private key, PKCS #8.</summary>
    public byte[] ExportPkcs8() => _key.ExportPkcs8PrivateKey();

    /// <summary>The public part.</summary>
    public JsonWebKey ToPublic()
    {
        if (_key is RSA rsa)
        {
            var parameters = rsa.ExportParameters(includePrivateParameters: false);
            return new JsonWebKey
            {
                KeyType = "RSA", Algorithm = Algorithm, KeyId = KeyId,
                N = Base64Url.EncodeToString(parameters.Modulus), E = Base64Url.EncodeToString(parameters.Exponent),
            };
        }

        var point = ((ECDsa)_key).ExportParameters(includePrivateParameters: false).Q;
        return new JsonWebKey
        {
            KeyType = "EC", Algorithm = Algorithm, KeyId = KeyId, Curve = "P-256", X = Base64Url.EncodeToString(point.X), Y = Base64Url.EncodeToString(point.Y),
        };
    }

    /// <summary>The signature as a JWS carries it: ECDSA in the fixed-size form of RFC 7518 §3.4.</summary>
    public byte[] Sign(ReadOnlySpan<byte> data)
    {
        lock (_gate)
        {
            return _key is RSA rsa
                ? rsa.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
                : ((ECDsa)_key).SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        }
    }

    public void Dispose() => _key.Dispose();

    private static ArgumentException Unknown(string algorithm) => new($"'{algorithm}' is not one of {TokenAlgorithms.Rs256}, {TokenAlgorithms.Es256}");
}
