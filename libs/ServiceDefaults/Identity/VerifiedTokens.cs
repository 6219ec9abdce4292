using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.Extensions.Options;

namespace ServiceDefaults.Identity;

/// <summary>
/// Access tokens that were verified, by their SHA-256, so that a client's next request costs no signature. An entry ends with its token and
/// with the key that verified it. Only what is valid is remembered, at most <see cref="IdentityOptions.VerifiedTokens"/>, and no token itself.
/// Revocation is no matter of this: it is asked with every request.
/// </summary>
public sealed class VerifiedTokens(TokenVerifier verifier, VerificationKeys keys, TimeProvider time, IOptions<IdentityOptions> options)
{
    private readonly int _half = options.Value.VerifiedTokens / 2;
    private readonly TimeSpan _leeway = options.Value.Leeway;

    /// <summary>Two halves: when the recent one is full it becomes the older one, and what was not asked for since goes.</summary>
    private ConcurrentDictionary<TokenHash, Entry> _recent = new();
    private ConcurrentDictionary<TokenHash, Entry> _older = new();
    private int _count;

    /// <summary>As <see cref="TokenVerifier.VerifyAccess(ReadOnlySpan{char}, out Identity?)"/>.</summary>
    public TokenFailure VerifyAccess(ReadOnlySpan<char> token, out Identity? identity)
    {
        identity = null;
        if (token.Length > TokenVerifier.MaxTokenLength)
        {
            return TokenFailure.Invalid;
        }

        var hash = TokenHash.Of(token);
        if (_recent.TryGetValue(hash, out var entry) || _older.TryGetValue(hash, out entry))
        {
            if (keys.Has(entry.Key))
            {
                if (entry.Identity.ExpiresAt + _leeway <= time.GetUtcNow())
                {
                    return TokenFailure.Expired;
                }

                Keep(hash, entry);
                identity = entry.Identity;
                return TokenFailure.None;
            }
        }

        var failure = verifier.VerifyAccess(token, out identity, out var key);
        if (failure == TokenFailure.None)
        {
            Keep(hash, new Entry(identity!, key!));
        }

        return failure;
    }

    private void Keep(TokenHash hash, Entry entry)
    {
        if (_half == 0 || !_recent.TryAdd(hash, entry) || Interlocked.Increment(ref _count) < _half)
        {
            return;
        }

        // Two that come here at once forget more than they must, which costs a verification.
        _older = _recent;
        _recent = new ConcurrentDictionary<TokenHash, Entry>();
        _count = 0;
    }

    private sealed record Entry(Identity Identity, VerificationKey Key);

    /// <summary>All 256 bits: equal means the same token.</summary>
    private readonly record struct TokenHash(ulong A, ulong B, ulong C, ulong D)
    {
        public static TokenHash Of(ReadOnlySpan<char> token)
        {
            var hash = default(TokenHash);
            SHA256.HashData(MemoryMarshal.AsBytes(token), MemoryMarshal.AsBytes(new Span<TokenHash>(ref hash)));
            return hash;
        }

        public override int GetHashCode() => (int)A;
    }
}
