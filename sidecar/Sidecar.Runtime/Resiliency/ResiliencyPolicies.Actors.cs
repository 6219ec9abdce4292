using System.Collections.Concurrent;
using Sidecar.Abstractions;
using Sidecar.Runtime.Loading;

namespace Sidecar.Runtime.Resiliency;

/// <content>Targets that are actors.</content>
public sealed partial class ResiliencyPolicies
{
    private const string BuiltInActorRetries = "DaprBuiltInActorRetries";
    private const int MinBuiltInRetries = 3;
    private const int DefaultBreakers = 5000;
    private static readonly RetryPolicy ActorRetry = new(false, TimeSpan.FromSeconds(1), TimeSpan.Zero, MinBuiltInRetries, null);

    private readonly Dictionary<string, YamlMap> _actors = [];
    private readonly ConcurrentDictionary<string, ActorTarget> _actorTargets = [];

    /// <summary>Policy of calls to an actor.</summary>
    public ActorPolicy ForActor(string type, string id) => _actorTargets.GetOrAdd(type, ResolveActor).For(id);

    private ActorTarget ResolveActor(string type)
    {
        var target = _actors.GetValueOrDefault(type);
        var policy = Resolve(target, "Actor", "");
        var breaker = target.Text("circuitBreaker") is { } name
            ? _breakers[name]
            : _breakers.GetValueOrDefault("DefaultActorCircuitBreakerPolicy") ?? _breakers.GetValueOrDefault("DefaultCircuitBreakerPolicy");
        var scope = target.Text("circuitBreakerScope") ?? "type";
        return new ActorTarget(
            policy.Retry ?? BuiltInActorRetry(), policy.Retry is null, scope is "type" or "both" ? policy.Breaker : null,
            breaker is not null && scope is "id" or "both" ? new BreakerCache(breaker!, target.Int("circuitBreakerCacheSize", DefaultBreakers)) : null, policy.Timeout);
    }

    /// <summary>Dapr's own retries, or those of its name, but not fewer than Dapr has.</summary>
    private RetryPolicy BuiltInActorRetry() => _retries.GetValueOrDefault(BuiltInActorRetries) is not { } own ? ActorRetry
        : own.MaxRetries is >= 0 and < MinBuiltInRetries ? own with { MaxRetries = MinBuiltInRetries }
        : own;

    private void CheckActors()
    {
        foreach (var (type, target) in _actors)
        {
            CheckNames(target, $"actor type '{type}'");
            if (target.Text("circuitBreaker") is not null && target.Text("circuitBreakerScope") is not ("type" or "id" or "both"))
            {
                throw new ComponentException($"the resiliency target of actor type '{type}' has a circuitBreaker: its circuitBreakerScope must be type, id or both");
            }
        }
    }

    private sealed record ActorTarget(RetryPolicy Retry, bool IsBuiltIn, CircuitBreaker? TypeBreaker, BreakerCache? IdBreakers, TimeSpan? Timeout)
    {
        public ActorPolicy For(string id) => new(Retry, IsBuiltIn, TypeBreaker, IdBreakers?.For(id), Timeout);
    }

    /// <summary>A breaker per actor id; the ones that were not used for longest are forgotten.</summary>
    private sealed class BreakerCache(Func<CircuitBreaker> create, int size)
    {
        private readonly Lock _lock = new();
        private readonly Dictionary<string, LinkedListNode<(string Id, CircuitBreaker Breaker)>> _byId = new(StringComparer.Ordinal);
        private readonly LinkedList<(string Id, CircuitBreaker Breaker)> _byUse = [];

        public CircuitBreaker For(string id)
        {
            lock (_lock)
            {
                if (_byId.TryGetValue(id, out var node))
                {
                    _byUse.Remove(node);
                    _byUse.AddFirst(node);
                    return node.Value.Breaker;
                }

                if (_byId.Count >= size && _byUse.Last is { } oldest)
                {
                    _byUse.Remove(oldest);
                    _byId.Remove(oldest.Value.Id);
                }

                var breaker = create();
                _byId.Add(id, _byUse.AddFirst((id, breaker)));
                return breaker;
            }
        }
    }
}
