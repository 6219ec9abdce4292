using System.Collections.Concurrent;

namespace ServiceDefaults.Identity;

/// <summary>What was revoked and has not expired yet, in memory: asked with every request.</summary>
public sealed class RevokedTokens
{
    private readonly ConcurrentDictionary<string, DateTimeOffset> _ids = new(StringComparer.Ordinal);

    /// <summary>Whether answers can be relied on; without that requests are refused with 503.</summary>
    public bool AreKnown { get; set; } = true;

    /// <summary>A session or token id is revoked until its tokens have expired; a later end wins.</summary>
    public void Add(string id, DateTimeOffset expiresAt) => _ids.AddOrUpdate(id, expiresAt, (_, known) => known > expiresAt ? known : expiresAt);

    /// <summary>Whether the token or its session was revoked.</summary>
    public bool Contains(Identity identity) => !_ids.IsEmpty && (_ids.ContainsKey(identity.SessionId) || _ids.ContainsKey(identity.TokenId));
}
