namespace Sidecar.Runtime.Resiliency;

/// <summary>A breaker per name (the endpoints of an app); those that were not used for longest are forgotten.</summary>
public sealed class BreakerCache(Func<CircuitBreaker> create, int size)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, LinkedListNode<(string Name, CircuitBreaker Breaker)>> _byName = new(StringComparer.Ordinal);
    private readonly LinkedList<(string Name, CircuitBreaker Breaker)> _byUse = [];

    /// <summary>The breaker of that name, a new one when it is unknown.</summary>
    public CircuitBreaker For(string name)
    {
        lock (_gate)
        {
            if (_byName.TryGetValue(name, out var known))
            {
                _byUse.Remove(known);
                _byUse.AddFirst(known);
                return known.Value.Breaker;
            }

            if (_byName.Count >= size && _byUse.Last is { } oldest)
            {
                _byUse.RemoveLast();
                _byName.Remove(oldest.Value.Name);
            }

            var breaker = create();
            _byName.Add(name, _byUse.AddFirst((name, breaker)));
            return breaker;
        }
    }
}
