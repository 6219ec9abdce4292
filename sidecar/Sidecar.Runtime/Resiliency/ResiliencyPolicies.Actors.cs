using System.Collections.Concurrent;
using Sidecar.Abstractions;
using Sidecar.Runtime.Loading;

namespace Sidecar.Runtime.Resiliency;

/// <content>Targets that are actors.</content>
public sealed partial class ResiliencyPolicies
{
    private const string BuiltInActorRetries = "DaprBuiltInActorRetries";
    private const int DefaultBreakers = 5000;

    /// <summary>Dapr's own retries are for actors that were not reached: no answer is repeated, whatever its status.</summary>
    private static readonly StatusCodeSet NoAnswer = new([]);

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
            policy.Retry ?? BuiltIn(BuiltInActorRetries)! with { StatusCodes = NoAnswer }, policy.Retry is null, scope is "type" or "both" ? policy.Breaker : null,
            breaker is not null && scope is "id" or "both" ? new BreakerCache(breaker!, target.Int("circuitBreakerCacheSize", DefaultBreakers)) : null, policy.Timeout);
    }

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
}
