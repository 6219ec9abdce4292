namespace Sidecar.Runtime.Resiliency;

/// <summary>
/// Policies of calls to an actor: retry ( circuit breakers ( turn ( timeout ( call )))), where the turn and the timeout are the host's
/// (protocol: HTTP §6.2).
/// </summary>
/// <param name="Retry">Retries outside the turn.</param>
/// <param name="IsBuiltIn">Whether the retry is Dapr's own, for actors that were certainly not reached.</param>
/// <param name="TypeBreaker">Breaker of all actors of the type.</param>
/// <param name="IdBreaker">Breaker of this actor alone.</param>
/// <param name="Timeout">Limit inside the turn.</param>
public sealed record ActorPolicy(RetryPolicy Retry, bool IsBuiltIn, CircuitBreaker? TypeBreaker, CircuitBreaker? IdBreaker, TimeSpan? Timeout)
{
    /// <summary>Runs a call of the turn with everything outside it.</summary>
    public Task<T> ExecuteAsync<T>(
        Func<CancellationToken, Task<T>> turn, Func<T, AttemptOutcome> judge, Func<Exception, bool> mayRetry, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var outer = new ExecutionPolicy(null, Retry, TypeBreaker);
        return IdBreaker is null
            ? outer.ExecuteAsync(turn, judge, mayRetry, time, cancellationToken)
            : outer.ExecuteAsync(
                token => new ExecutionPolicy(null, null, IdBreaker).ExecuteAsync(turn, judge, mayRetry, time, token), judge, mayRetry, time, cancellationToken);
    }
}
