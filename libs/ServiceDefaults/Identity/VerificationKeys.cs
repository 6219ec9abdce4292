using System.Collections.Frozen;

namespace ServiceDefaults.Identity;

/// <summary>The keys that verify tokens now. They come only from auth, or from configuration; nothing in a token names a source (RFC 8725 §3.10).</summary>
public sealed class VerificationKeys
{
    private volatile FrozenDictionary<string, VerificationKey> _keys = FrozenDictionary<string, VerificationKey>.Empty;

    /// <summary>Whether there are any: before that no token can be judged.</summary>
    public bool AreLoaded => _keys.Count > 0;

    /// <summary>Raised with an id that is not known: a key may be newer than what was loaded.</summary>
    public event Action<string>? Unknown;

    /// <summary>
    /// Replaces all keys; those that stay keep their instances. Keys of other kinds are passed over (RFC 7517 §5); a set with none of ours
    /// is refused, and what is known stays.
    /// </summary>
    public void Use(JsonWebKeySet set)
    {
        var current = _keys;
        var keys = set.Keys.Where(VerificationKey.IsOurs).ToFrozenDictionary(
            key => key.KeyId, key => current.GetValueOrDefault(key.KeyId) is { } known && known.IsOf(key) ? known : new VerificationKey(key), StringComparer.Ordinal);
        _keys = keys.Count > 0 ? keys : throw new ArgumentException("there is no key in the set that verifies our tokens", nameof(set));
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

    /// <summary>Whether the key still verifies tokens.</summary>
    public bool Has(VerificationKey key) => _keys.TryGetValue(key.KeyId, out var known) && ReferenceEquals(known, key);
}
