namespace Ai.Policies;

/// <summary>So many a minute, saved up to one minute's worth; settling later may put it into debt, which the limiters of
/// System.Threading.RateLimiting do not know. Not synchronised.</summary>
internal struct TokenBucket(int perMinute)
{
    private double _level = perMinute;
    private TimeSpan _at;

    /// <summary>How long until so many are there; more than fit are asked of a full bucket.</summary>
    public TimeSpan WaitFor(int amount, TimeSpan now)
    {
        if (perMinute == 0)
        {
            return TimeSpan.Zero;
        }

        Refill(now);
        var missing = Math.Min(amount, perMinute) - _level;
        return missing > 0 ? TimeSpan.FromMinutes(missing / perMinute) + TimeSpan.FromTicks(1) : TimeSpan.Zero;
    }

    /// <summary>Takes so many, or gives back where negative.</summary>
    public void Take(long amount, TimeSpan now)
    {
        if (perMinute != 0)
        {
            Refill(now);
            _level = Math.Min(perMinute, _level - amount);
        }
    }

    private void Refill(TimeSpan now)
    {
        _level = Math.Min(perMinute, _level + (now - _at).TotalMinutes * perMinute);
        _at = now;
    }
}
