using Ai.Providers;

namespace Ai.Policies;

/// <summary>
/// The keys of one provider (others.md §A8): smooth weighted round robin over those that may be used. A key that was told to slow down is left alone until
/// its time; one without quota or rights is disabled until another value comes, or is tried again after a long time. Kept per process: several
/// processes with one key each have the key's limits for themselves.
/// </summary>
internal sealed class KeyPool(string provider, ProviderOptions options, TimeProvider time)
{
    /// <summary>Shortest pause after a 429, whatever the provider asks.</summary>
    private static readonly TimeSpan MinCoolDown = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly long _started = time.GetTimestamp();
    private IReadOnlyList<ProviderKey> _source = [];
    private PooledKey[] _keys = [];

    private TimeSpan Now => time.GetElapsedTime(_started);

    /// <summary>How long a key without quota or rights is left alone.</summary>
    public TimeSpan DisabledTime => options.KeyDisabledTime;

    /// <summary>Whether any key has a limit of tokens, for which a call has to be estimated.</summary>
    public bool CountsTokens { get; private set; }

    /// <summary>Takes over what the source of keys says now; a key that is the same as before keeps its state, another value starts afresh.</summary>
    public void Use(IReadOnlyList<ProviderKey> keys)
    {
        if (ReferenceEquals(keys, _source))
        {
            return;
        }

        lock (_gate)
        {
            var before = _keys;
            _keys = [.. keys.Select(key => before.FirstOrDefault(pooled => Same(pooled.Key, key)) ?? new PooledKey(key))];
            CountsTokens = keys.Any(key => key.Options.TokensPerMinute > 0);
            _source = keys;
        }
    }

    /// <summary>The key whose turn it is, with a request and the tokens taken from it. Throws <see cref="ModelFailure.NoKey"/> when none may be used.</summary>
    public PooledKey Take(string model, int tokens)
    {
        lock (_gate)
        {
            var now = Now;
            PooledKey? next = null;
            var weights = 0;
            foreach (var key in _keys)
            {
                if (key.WaitFor(model, tokens, now) == TimeSpan.Zero)
                {
                    weights += key.Key.Options.Weight;
                    key.Turn += key.Key.Options.Weight;
                    next = next is null || key.Turn > next.Turn ? key : next;
                }
            }

            if (next is null)
            {
                throw new ModelException(ModelFailure.NoKey, Describe(model, now)) { RetryAfter = Soonest(model, tokens, now) };
            }

            next.Turn -= weights;
            next.Take(tokens, now);
            return next;
        }
    }

    /// <summary>How long until a key may be used for such a call; zero for now.</summary>
    public TimeSpan Soonest(string model, int tokens)
    {
        lock (_gate)
        {
            return Soonest(model, tokens, Now);
        }
    }

    /// <summary>Why no key may be used for the model, if so.</summary>
    public ModelOutage? OutageOf(string model)
    {
        lock (_gate)
        {
            var now = Now;
            return _keys.Length > 0 && Soonest(model, tokens: 0, now) is { Ticks: > 0 } soonest ? new ModelOutage(ModelFailure.NoKey, Describe(model, now), soonest) : null;
        }
    }

    /// <summary>
    /// Notes how a call with a key ended. What was taken is settled by the tokens that it used. Where that is not known it is given back if the provider cannot
    /// have worked on it, else it stays taken. Answers whether the key has become disabled (true) or works again (false), else null.
    /// </summary>
    public bool? Ended(PooledKey key, string model, int tokens, long? used, Exception? error)
    {
        var failed = error as ModelException;
        lock (_gate)
        {
            var now = Now;
            var settled = used ?? (failed?.Rule.Resend is Resend.Safe or Resend.Never ? 0 : tokens);
            key.Settle(settled - tokens, now);
            switch (failed?.Failure)
            {
                case ModelFailure.RateLimited:
                    key.Pause(ModelFailure.RateLimited, now + (failed.RetryAfter is { } asked ? Longer(asked, MinCoolDown) : options.KeyCoolDown));
                    return null;
                case ModelFailure.Unauthorized or ModelFailure.QuotaExhausted:
                    key.Pause(failed.Failure, now + options.KeyDisabledTime);
                    return Report(key);
                case ModelFailure.Forbidden:
                    key.Forbid(model, now + options.KeyDisabledTime);
                    return Report(key);
                case null when key.Reported && error is null:
                    key.Reported = false;
                    return false;
                default:
                    return null;
            }
        }
    }

    private static bool Same(ProviderKey left, ProviderKey right) => left.Name == right.Name && left.Value == right.Value && left.Options == right.Options;

    private string Describe(string model, TimeSpan now) =>
        $"no key of {provider} can be used now: {string.Join(", ", _keys.Select(key => key.Describe(model, now)))}";

    private static bool? Report(PooledKey key)
    {
        var first = !key.Reported;
        key.Reported = true;
        return first ? true : null;
    }

    private TimeSpan Soonest(string model, int tokens, TimeSpan now)
    {
        var soonest = TimeSpan.MaxValue;
        foreach (var key in _keys)
        {
            var wait = key.WaitFor(model, tokens, now);
            soonest = wait < soonest ? wait : soonest;
        }

        return soonest;
    }

    private static TimeSpan Longer(TimeSpan left, TimeSpan right) => left > right ? left : right;
}
