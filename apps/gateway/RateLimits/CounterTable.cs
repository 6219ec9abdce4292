using System.Collections.Concurrent;

namespace Gateway.RateLimits;

/// <summary>
/// The counters of one policy, bounded. There are two generations: who asks is moved to the young one; when that is full, or old enough that
/// no counter of the old one means anything, the old one is dropped and the young one takes its place. So idle callers are forgotten without a
/// sweep, and a flood of new ones costs the quiet their counts but never the busy.
/// </summary>
internal sealed class CounterTable(RateLimitPolicy policy, int maxCallers, TimeProvider time)
{
    private readonly Lock _rotation = new();
    private volatile Generations _generations = new(new Generation(0), new Generation(0));

    /// <summary>Callers that are counted now; a caller that moves may count twice.</summary>
    public int Count => _generations.Young.Count + _generations.Old.Count;

    /// <summary>Counts a request of a caller.</summary>
    public RateDecision Take(Partition caller)
    {
        var now = time.GetElapsedTime(0).Ticks;
        var generations = _generations;
        if (!generations.Young.Counters.TryGetValue(caller, out var counter))
        {
            counter = Enter(caller, now);
        }

        return counter.Take(policy, now);
    }

    private RateCounter Enter(Partition caller, long now)
    {
        var generations = Rotated(now);
        if (!generations.Old.Counters.TryGetValue(caller, out var counter))
        {
            counter = RateCounter.Of(policy);
        }

        var young = generations.Young;
        if (young.Counters.TryAdd(caller, counter))
        {
            Interlocked.Increment(ref young.Count);
            return counter;
        }

        return young.Counters.TryGetValue(caller, out var other) ? other : counter;
    }

    private Generations Rotated(long now)
    {
        if (!IsOver(_generations.Young, now))
        {
            return _generations;
        }

        lock (_rotation)
        {
            if (IsOver(_generations.Young, now))
            {
                _generations = new Generations(new Generation(now), _generations.Young);
            }

            return _generations;
        }
    }

    /// <summary>Two windows after its last request a counter is as good as new.</summary>
    private bool IsOver(Generation young, long now) => young.Count >= maxCallers / 2 || now - young.Started > 2 * policy.Window.Ticks;

    private sealed record Generations(Generation Young, Generation Old);

    private sealed class Generation(long started)
    {
        public readonly ConcurrentDictionary<Partition, RateCounter> Counters = new();

        /// <summary>The dictionary's own count takes all its locks.</summary>
        public int Count;

        public long Started { get; } = started;
    }
}
