using System.Collections.Concurrent;
using Ai.Calls;

namespace Ai.Policies;

/// <summary>The circuit breakers of this process, one for each model of a provider.</summary>
internal sealed class Breakers(TimeProvider time)
{
    private readonly ConcurrentDictionary<string, Breaker> _breakers = new(StringComparer.Ordinal);

    /// <summary>The breaker of the call's model.</summary>
    public Breaker Of(ModelCall call) => _breakers.GetOrAdd(
        call.Model.Id,
        static (_, made) => new Breaker(made.Policy.BreakerFailures, made.Policy.BreakerWindow, made.Policy.BreakerOpenTime, made.time),
        (call.Policy, time));

    /// <summary>What the model's breaker knows while it is open.</summary>
    public Breaker.Open? OpenOf(string model) => _breakers.TryGetValue(model, out var breaker) ? breaker.State : null;
}
