namespace Ai.Policies;

/// <summary>
/// The circuit breaker of one model. It opens after so many failures within a time, unless as many calls went well meanwhile: a busy model with a few
/// failures is not a broken one. Open, it lets one call try per open time; a try that went well closes it, one that failed starts the open time anew.
/// A try whose end is never told holds the next one up for an open time, no more. Polly's breaker judges a call when its delegate returns; a stream has
/// only begun by then.
/// </summary>
internal sealed class Breaker(int failures, TimeSpan window, TimeSpan openTime, TimeProvider time)
{
    private readonly Lock _gate = new();

    /// <summary>The last failures, in a ring: when, and how many calls had gone well by then.</summary>
    private readonly (long At, long Successes)[] _failures = new (long, long)[failures];
    private int _next;
    private int _count;
    private long _successes;
    private long? _openSince;
    private ModelFailure _last;

    /// <summary>How a call ended, for the breaker.</summary>
    public enum Outcome
    {
        /// <summary>The model answered, if only to decline.</summary>
        Well,

        /// <summary>The model is not well.</summary>
        Failed,

        /// <summary>It was not asked, or the caller did not wait for its answer.</summary>
        Unknown,
    }

    /// <summary>What an open breaker knows.</summary>
    /// <param name="Last">The failure that opened it.</param>
    /// <param name="TriesIn">When a call may try again.</param>
    public readonly record struct Open(ModelFailure Last, TimeSpan TriesIn);

    /// <summary>Null while it is closed.</summary>
    public Open? State
    {
        get
        {
            lock (_gate)
            {
                return _openSince is { } since ? new Open(_last, Rest(since)) : null;
            }
        }
    }

    /// <summary>Whether a call may pass; if so, whether it is the one that tries, which <see cref="Ended"/> needs to know.</summary>
    public bool TryEnter(out bool tries)
    {
        lock (_gate)
        {
            tries = _openSince is not null;
            if (_openSince is { } since)
            {
                if (Rest(since) > TimeSpan.Zero)
                {
                    return false;
                }

                _openSince = time.GetTimestamp();
            }

            return true;
        }
    }

    /// <summary>Notes the end of a call; answers true when this opened the breaker, false when it closed it, else null.</summary>
    public bool? Ended(bool tries, Outcome outcome, ModelFailure failure = default)
    {
        lock (_gate)
        {
            switch (outcome)
            {
                case Outcome.Failed:
                    return Failed(tries, failure);
                case Outcome.Well:
                    _successes++;
                    return tries && _openSince is not null ? Close() : null;
                default:
                    if (tries && _openSince is not null)
                    {
                        // Nothing was learnt: the next call tries.
                        _openSince = time.GetTimestamp() - (long)(openTime.TotalSeconds * time.TimestampFrequency) - 1;
                    }

                    return null;
            }
        }
    }

    private bool? Failed(bool tries, ModelFailure failure)
    {
        var now = time.GetTimestamp();
        _last = failure;
        if (_openSince is not null)
        {
            _openSince = tries ? now : _openSince;
            return null;
        }

        _failures[_next] = (now, _successes);
        _next = (_next + 1) % failures;
        _count = Math.Min(_count + 1, failures);
        // When the ring is full, its next place holds the oldest.
        var oldest = _failures[_next];
        if (_count < failures || time.GetElapsedTime(oldest.At, now) > window || _successes - oldest.Successes >= failures)
        {
            return null;
        }

        _openSince = now;
        return true;
    }

    private bool? Close()
    {
        _openSince = null;
        _count = 0;
        _next = 0;
        return false;
    }

    private TimeSpan Rest(long since)
    {
        var rest = openTime - time.GetElapsedTime(since);
        return rest > TimeSpan.Zero ? rest : TimeSpan.Zero;
    }
}
