using System.Collections.Concurrent;
using Ai.Calls;
using Ai.Local;

namespace Ai.Policies;

/// <summary>Lets a model have only so many calls at a time; the others wait in line.</summary>
internal sealed class AdmissionPolicy : IModelPolicy
{
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _places = new(StringComparer.Ordinal);

    public PolicyPlace Place => PolicyPlace.Admission;

    public async ValueTask<ModelAnswer> InvokeAsync(ModelCall call, ModelHandler next, CancellationToken cancellationToken)
    {
        // A skill of the local provider computes: more at a time than there are processors take memory and win nothing.
        var most = call.Model.Provider == LocalProvider.Name
            ? Math.Min(call.Policy.MaxConcurrentCalls, Environment.ProcessorCount)
            : call.Policy.MaxConcurrentCalls;
        var places = _places.GetOrAdd(call.Model.Id, static (_, most) => new SemaphoreSlim(most), most);
        await places.WaitAsync(cancellationToken);
        try
        {
            var answer = await next(call, cancellationToken);
            answer.WhenEnded(_ => places.Release());
            return answer;
        }
        catch
        {
            places.Release();
            throw;
        }
    }
}
