using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Security.Cryptography;

namespace ServiceDefaults.Identity;

/// <summary>A public key that verifies tokens, bound to its one algorithm (RFC 8725 §3.1).</summary>
public sealed class VerificationKey
{
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

    private AsymmetricAlgorithm Create() => (_key.KeyType, _key.Algorithm) switch
    {
        ("RSA", TokenAlgorithms.Rs256) => RSA.Create(new RSAParameters { Modulus = Base64Url.DecodeFromChars(_key.N), Exponent = Base64Url.DecodeFromChars(_key.E) }),
        ("EC", TokenAlgorithms.Es256) when _key.Curve == "P-256" => ECDsa.Create(new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256, Q = new ECPoint { X = Base64Url.DecodeFromChars(_key.X), Y = Base64Url.DecodeFromChars(_key.Y) },
        }),
        _ => throw new CryptographicException($"Key '{_key.KeyId}' ({_key.KeyType}, {_key.Algorithm}) is none that verifies our tokens"),
    };
}

/// <summary>The keys that verify tokens now. They come only from auth, or from configuration; nothing in a token names a source (RFC 8725 §3.10).</summary>
public sealed class VerificationKeys
{
    private FrozenDictionary<string, VerificationKey> _keys = FrozenDictionary<string, VerificationKey>.Empty;

    /// <summary>Whether there are any: before that no token can be judged.</summary>
    public bool AreLoaded => _keys.Count > 0;

    /// <summary>Raised with an id that is not known: a key may be newer than what was loaded.</summary>
    public event Action<string>? Unknown;

    /// <summary>Replaces all keys; those that stay keep their instances.</summary>
    public void Use(JsonWebKeySet set)
    {
        var current = _keys;
        _keys = set.Keys.Where(key => key.Use == "sig")
            .ToFrozenDictionary(key => key.KeyId, key => current.GetValueOrDefault(key.KeyId) ?? new VerificationKey(key), StringComparer.Ordinal);
    }

    /// <summary>The key, or null.</summary>
    public VerificationKey? Find(string keyId)
    {
        if (_keys.TryGetValue(keyId, out var key))
        {
            return key;
        }

        Unknown?.Invoke(keyId);
        return null;
    }
}
