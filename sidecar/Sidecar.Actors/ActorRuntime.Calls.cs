using System.Text;
using Sidecar.Actors.Turns;
using Sidecar.Runtime;
using Sidecar.Runtime.App;
using Sidecar.Runtime.Resiliency;

namespace Sidecar.Actors;

/// <content>Calls of methods.</content>
public sealed partial class ActorRuntime
{
    private const int NoSuchMethod = 404;

    /// <summary>
    /// Calls a method, wherever the actor is, when its turn comes. The caller's retries and circuit breakers are outside the turn, the
    /// timeout of the host inside it (protocol: HTTP §6.2, Resiliency). A caller that goes away leaves the queue; a turn that runs goes on.
    /// </summary>
    public async Task<ActorAnswer> InvokeAsync(ActorCall call, CancellationToken cancellationToken)
    {
        var key = ActorKey.Of(call.ActorType, call.ActorId);
        ActorKey.CheckSegment(call.Method, "method");
        var policy = App.Resiliency.ForActor(key.Type, key.Id);
        ActorAnswer answer;
        try
        {
            answer = await policy.ExecuteAsync(token => TurnAsync(key, call, token), Judge, IsRetriable, _system.Time, cancellationToken);
        }
        catch (Exception exception) when (exception is AppUnreachableException or TimeoutException or CircuitOpenException)
        {
            throw ActorErrors.Invoke(exception.Message, exception);
        }

        return answer.IsSuccess ? answer : throw ActorErrors.Invoke(answer.Status == NoSuchMethod
            ? "actor method not found"
            : $"error from actor service: {Encoding.UTF8.GetString(answer.Body.Span)}");

        // A method that is not there will not be there at the next attempt either.
        static AttemptOutcome Judge(ActorAnswer result) => result.IsSuccess || result.Status == NoSuchMethod ? default : new(true, result.Status);

        bool IsRetriable(Exception exception) => policy.IsBuiltIn ? exception is AppUnreachableException { NotSent: true } : exception is not DaprErrorException;
    }

    /// <summary>One attempt. The turn is not the caller's to end: the app goes on with what it has begun.</summary>
    private Task<ActorAnswer> TurnAsync(ActorKey key, ActorCall call, CancellationToken cancellationToken)
    {
        var chain = call.Headers.FirstOrDefault(header => header.Key.Equals(AppCalls.ReentrancyHeader, StringComparison.OrdinalIgnoreCase)).Value;
        var turn = _system.InTurnAsync(
            key, chain is { Length: > 0 } ? chain : null, patient: false,
            (activation, id) => RunAsync(activation, call, id, cancellationToken), cancellationToken);
        return turn.WaitAsync(cancellationToken);
    }

    private async Task<ActorAnswer> RunAsync(Activation activation, ActorCall call, string? chain, CancellationToken caller)
    {
        activation.LastUsed = _system.Time.GetUtcNow();
        try
        {
            return await _system.LimitAsync(activation, token => AppCalls.InvokeAsync(activation, call, chain, token), caller);
        }
        finally
        {
            activation.LastUsed = _system.Time.GetUtcNow();
        }
    }
}
