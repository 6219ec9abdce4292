using System.Collections.Concurrent;

namespace ServiceDefaults.Identity;

/// <summary>
/// What was revoked and has not expired yet, in memory: asked with every request, without an allocation. It only grows by what is told and
/// only shrinks by what has expired, so it holds no more than what was revoked within the life of an access token.
/// </summary>
public sealed class RevokedTokens
{
    private readonly ConcurrentDictionary<string, long> _ends = new(StringComparer.Ordinal);
    private volatile bool _areKnown = true;
    private int _count;

    /// <summary>Whether answers can be relied on; without that requests are refused with 503.</summary>
    public bool AreKnown
    {
        get => _areKnown;
        set => _areKnown = value;
    }

    /// <summary>How many there are.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>A session or token id is revoked until its tokens have expired; a later end wins. True when it was not known.</summary>
    public bool Add(string id, DateTimeOffset expiresAt)
    {
        if (_ends.TryAdd(id, expiresAt.UtcTicks))
        {
            Interlocked.Increment(ref _count);
            return true;
        }

        while (_ends.TryGetValue(id, out var known))
        {
            if (known >= expiresAt.UtcTicks || _ends.TryUpdate(id, expiresAt.UtcTicks, known))
            {
                return false;
            }
        }

        return Add(id, expiresAt);
    }

    /// <summary>Whether the token or its session was revoked.</summary>
    public bool Contains(Identity identity) => _ends.ContainsKey(identity.SessionId) || _ends.ContainsKey(identity.TokenId);

    /// <summary>Drops what ended before a moment; the caller leaves room for the leeway with which tokens are taken.</summary>
    public void Forget(DateTimeOffset before)
    {
        foreach (var entry in _ends)
        {
            // Only the end that was looked at: a later one may have come.
            if (entry.Value < before.UtcTicks && _ends.TryRemove(entry))
            {
                Interlocked.Decrement(ref _count);
            }
        }
    }
}
