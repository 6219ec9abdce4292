using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace ServiceDefaults.Identity;

/// <summary>A public key that verifies tokens, bound to its one algorithm (RFC 8725 §3.1).</summary>
public sealed class VerificationKey
{
    /// <summary>RFC 7518 §3.3.</summary>
    private const int MinRsaBits = 2048;

    private readonly JsonWebKey _key;

    /// <summary>Instances of the framework's algorithms are not promised to be safe for several threads.</summary>
    private readonly ConcurrentBag<AsymmetricAlgorithm> _idle = [];

    public VerificationKey(JsonWebKey key)
    {
        _key = key;
        _idle.Add(Create());
    }

    /// <summary>Header member <c>kid</c>.</summary>
    public string KeyId => _key.KeyId;

    /// <summary>The only <c>alg</c> for which this key is used.</summary>
    public string Algorithm => _key.Algorithm;

    /// <summary>Whether it is of a kind that our tokens are signed with.</summary>
    public static bool IsOurs(JsonWebKey key) => key is
        { Use: "sig", KeyType: "RSA", Algorithm: TokenAlgorithms.Rs256, N: not null, E: not null }
        or { Use: "sig", KeyType: "EC", Algorithm: TokenAlgorithms.Es256, Curve: "P-256", X: not null, Y: not null };

    /// <summary>Whether this is that key, not another one of its name.</summary>
    public bool IsOf(JsonWebKey key) => _key == key;

    /// <summary>Whether the signature is of this data and key.</summary>
    public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        if (!_idle.TryTake(out var algorithm))
        {
            algorithm = Create();
        }

        try
        {
            return algorithm is RSA rsa
                ? rsa.VerifyData(data, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
                : ((ECDsa)algorithm).VerifyData(data, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        }
        finally
        {
            _idle.Add(algorithm);
        }
    }

    private AsymmetricAlgorithm Create()
    {
        if (_key.KeyType == "EC")
        {
            return ECDsa.Create(new ECParameters
            {
                Curve = ECCurve.NamedCurves.nistP256, Q = new ECPoint { X = Base64Url.DecodeFromChars(_key.X), Y = Base64Url.DecodeFromChars(_key.Y) },
            });
        }

        var rsa = RSA.Create(new RSAParameters { Modulus = Base64Url.DecodeFromChars(_key.N), Exponent = Base64Url.DecodeFromChars(_key.E) });
        if (rsa.KeySize < MinRsaBits)
        {
            rsa.Dispose();
            throw new CryptographicException($"Key '{_key.KeyId}' has {rsa.KeySize} bits; at least {MinRsaBits} are needed");
        }

        return rsa;
    }
}
