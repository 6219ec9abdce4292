using Ai.Admission;
using Ai.Calls;
using Ai.Local;
using Microsoft.Extensions.Options;

namespace Ai.Policies;

/// <summary>Lets only so many calls run at a time, of the process and of each model, user and session; the others wait in a fair line.</summary>
internal sealed class AdmissionPolicy(IOptions<AiOptions> options, TimeProvider time) : IModelPolicy
{
    private readonly AdmissionQueue _queue = new(options.Value.Admission, time);

    public PolicyPlace Place => PolicyPlace.Admission;

    public async ValueTask<ModelAnswer> InvokeAsync(ModelCall call, ModelHandler next, CancellationToken cancellationToken)
    {
        // A skill of the local provider computes: more at a time than there are processors take memory and win nothing.
        var places = call.Model.Provider == LocalProvider.Name
            ? Math.Min(call.Policy.MaxConcurrentCalls, Environment.ProcessorCount)
            : call.Policy.MaxConcurrentCalls;
        var place = await _queue.EnterAsync(new CallLimits(call.Model.Id, places, call.Scope.User, call.Scope.Session), call.Scope.Priority, cancellationToken);
        try
        {
            var answer = await next(call, cancellationToken);
            answer.WhenEnded(_ => place.Leave());
            return answer;
        }
        catch
        {
            place.Leave();
            throw;
        }
    }
}
