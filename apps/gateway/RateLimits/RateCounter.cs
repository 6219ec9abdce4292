namespace Gateway.RateLimits;

/// <summary>What a counter says to a request.</summary>
/// <param name="Allowed">Whether it may pass; only then it was counted.</param>
/// <param name="Remaining">Requests that may follow at once.</param>
/// <param name="ResetSeconds">When allowed, until the quota is whole again or the window ends; else until one more may pass. At least 1.</param>
internal readonly record struct RateDecision(bool Allowed, int Remaining, int ResetSeconds);

/// <summary>
/// Counts one caller's requests under one policy. The limiters of System.Threading.RateLimiting tell neither how much is left nor when, run on
/// their own clock, and look up a caller's limiter under one lock for all.
/// </summary>
internal abstract class RateCounter
{
    private readonly Lock _lock = new();

    public static RateCounter Of(RateLimitPolicy policy) => policy.Kind == LimitKind.TokenBucket ? new TokenBucket() : new SlidingWindow();

    /// <summary>Counts a request, unless the quota is used up.</summary>
    /// <param name="policy">Its limits.</param>
    /// <param name="now">Monotonic time in ticks of <see cref="TimeSpan"/>.</param>
    public RateDecision Take(RateLimitPolicy policy, long now)
    {
        lock (_lock)
        {
            return TakeLocked(policy.Quota, policy.Window.Ticks, now);
        }
    }

    protected abstract RateDecision TakeLocked(int quota, long window, long now);

    private static int Seconds(double ticks) => Math.Max(1, (int)Math.Ceiling(ticks / TimeSpan.TicksPerSecond));

    /// <summary>Two counts per caller instead of the time of every request: the window before counts by the share of it that is still inside.</summary>
    private sealed class SlidingWindow : RateCounter
    {
        private long _index = -2;
        private int _previous;
        private int _current;

        protected override RateDecision TakeLocked(int quota, long window, long now)
        {
            var index = now / window;
            if (index > _index)
            {
                _previous = index == _index + 1 ? _current : 0;
                _current = 0;
                _index = index;
            }

            var elapsed = now - _index * window;
            var used = _previous * (1 - (double)elapsed / window) + _current;
            if (used + 1 > quota)
            {
                return new RateDecision(false, 0, Seconds(TicksUntilFree(quota, window, elapsed)));
            }

            _current++;
            return new RateDecision(true, (int)(quota - used - 1), Seconds(window - elapsed));
        }

        private double TicksUntilFree(int quota, long window, long elapsed) => _current < quota
            // In this window, when enough of the one before has left.
            ? (1 - (quota - 1.0 - _current) / _previous) * window - elapsed
            // In the next one, when enough of this one has left.
            : window - elapsed + (1 - (quota - 1.0) / _current) * window;
    }

    private sealed class TokenBucket : RateCounter
    {
        private double _tokens = double.MaxValue;
        private long _filled;

        protected override RateDecision TakeLocked(int quota, long window, long now)
        {
            var perTick = (double)quota / window;
            _tokens = Math.Min(quota, _tokens + Math.Max(0, now - _filled) * perTick);
            _filled = Math.Max(_filled, now);
            if (_tokens < 1)
            {
                return new RateDecision(false, 0, Seconds((1 - _tokens) / perTick));
            }

            _tokens--;
            return new RateDecision(true, (int)_tokens, Seconds((quota - _tokens) / perTick));
        }
    }
}
