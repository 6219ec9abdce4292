using Ai.Calls;
using Ai.Catalogue;
using Microsoft.Extensions.Logging;

namespace Ai.Policies;

/// <summary>
/// Has the next model of the chain answer when one fails in a way that another may not (<see cref="FailureRule.NextModel"/>), and says so in the answer.
/// A stream that has begun stays with its model. When all fail the first failure is told, with what became of the others.
/// </summary>
internal sealed partial class FallbackPolicy(FallbackChains chains, ModelCatalogue catalogue, ILogger<FallbackPolicy> logger) : IModelPolicy
{
    public PolicyPlace Place => PolicyPlace.Fallback;

    public async ValueTask<ModelAnswer> InvokeAsync(ModelCall call, ModelHandler next, CancellationToken cancellationToken)
    {
        try
        {
            return await next(call, cancellationToken);
        }
        catch (ModelException failed) when (
            failed.Rule.NextModel && !cancellationToken.IsCancellationRequested && chains.Of(call.Model, call.Needs) is { Count: > 0 } chain)
        {
            return await FallBackAsync(call, failed, chain, next, cancellationToken);
        }
    }

    private async ValueTask<ModelAnswer> FallBackAsync(
        ModelCall call, ModelException failed, IReadOnlyList<ModelInfo> chain, ModelHandler next, CancellationToken cancellationToken)
    {
        var others = new List<string>();
        foreach (var model in chain)
        {
            LogFallback(call.Model.Id, failed.Failure, model.Id);
            try
            {
                var answer = await next(
                    call with { Model = model, Policy = catalogue.PolicyOf(model), FallbackReason = failed.Failure }, cancellationToken);
                answer.FallbackReason = failed.Failure;
                return answer;
            }
            catch (ModelException other) when (!cancellationToken.IsCancellationRequested && IsOfModel(other))
            {
                others.Add($"{model.Id}: {other.Failure}");
            }
        }

        throw new ModelException(failed.Failure, $"{failed.Message}; nor did the models after it answer ({string.Join(", ", others)})", failed)
        {
            Status = failed.Status,
            RetryAfter = failed.RetryAfter,
        };
    }

    /// <summary>Whether the failure speaks of this one model: that it cannot do the call does not mean that the one asked for could not.</summary>
    private static bool IsOfModel(ModelException failed) =>
        failed.Rule.NextModel || failed.Failure is ModelFailure.BadRequest or ModelFailure.CapabilityMissing;

    [LoggerMessage(1930, LogLevel.Warning, "Model {Model} failed ({Failure}), asking {Next} instead")]
    private partial void LogFallback(string model, ModelFailure failure, string next);
}
