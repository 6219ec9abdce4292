namespace Auth.Keys;

/// <summary>A key in the state of auth.</summary>
/// <param name="KeyId">Header member <c>kid</c> of its tokens.</param>
/// <param name="Algorithm">The one it signs by.</param>
/// <param name="CreatedAt">When it was made, and published.</param>
/// <param name="SignsFrom">When it takes the place of the one before it.</param>
/// <param name="Encrypted">PKCS #8 by <see cref="KeyEncryption"/>.</param>
public sealed record StoredKey(string KeyId, string Algorithm, DateTimeOffset CreatedAt, DateTimeOffset SignsFrom, byte[] Encrypted);

/// <summary>All keys in the order in which they sign: the document <c>keys</c>, shared by the replicas under its etag.</summary>
public sealed record StoredKeys(IReadOnlyList<StoredKey> Keys);

/// <summary>The life of a key: published, signing, verifying what it signed until the last of that has expired, gone.</summary>
internal static class KeyLife
{
    /// <summary>The last one whose time has come; the first one before that.</summary>
    public static StoredKey SigningAt(this StoredKeys keys, DateTimeOffset now) => keys.Keys.LastOrDefault(key => key.SignsFrom <= now) ?? keys.Keys[0];

    /// <summary>When nothing that the key signed can be valid any more; null for the newest one, whose end is not known.</summary>
    public static DateTimeOffset? EndOf(this StoredKeys keys, StoredKey key, TimeSpan longestToken) =>
        keys.Keys.SkipWhile(other => other.KeyId != key.KeyId).Skip(1).FirstOrDefault() is { } next ? next.SignsFrom + longestToken : null;

    /// <summary>Without keys of which every token has expired; the same reference when there are none.</summary>
    public static StoredKeys WithoutEnded(this StoredKeys keys, DateTimeOffset now, TimeSpan longestToken)
    {
        StoredKey[] kept = [.. keys.Keys.Where(key => !(keys.EndOf(key, longestToken) <= now))];
        return kept.Length == keys.Keys.Count ? keys : new StoredKeys(kept);
    }
}
