using Ai.Calls;
using Microsoft.Extensions.Logging;

namespace Ai.Policies;

/// <summary>
/// Spares a model that fails, and its callers the wait: after <see cref="ModelCallOptions.BreakerFailures"/> failures that speak against it
/// (<see cref="FailureRule.CountsAgainstModel"/>, a stream that breaks too) calls fail at once until one that tries has been answered.
/// </summary>
internal sealed partial class BreakerPolicy(Breakers breakers, ILogger<BreakerPolicy> logger) : IModelPolicy
{
    public PolicyPlace Place => PolicyPlace.Breaker;

    public async ValueTask<ModelAnswer> InvokeAsync(ModelCall call, ModelHandler next, CancellationToken cancellationToken)
    {
        var breaker = breakers.Of(call);
        if (!breaker.TryEnter(out var tries))
        {
            var open = breaker.State;
            throw new ModelException(ModelFailure.CircuitOpen, $"{call.Model.Id} is paused after failures, the last: {open?.Last}")
            {
                RetryAfter = open?.TriesIn,
            };
        }

        ModelAnswer answer;
        try
        {
            answer = await next(call, cancellationToken);
        }
        catch (Exception exception)
        {
            Ended(breaker, call, tries, exception);
            throw;
        }

        if (answer is StreamedAnswer stream)
        {
            stream.WhenEnded(end => Ended(breaker, call, tries, end.Error));
        }
        else
        {
            Ended(breaker, call, tries, error: null);
        }

        return answer;
    }

    private void Ended(Breaker breaker, ModelCall call, bool tries, Exception? error)
    {
        var failure = (error as ModelException)?.Failure;
        var changed = breaker.Ended(tries, OutcomeOf(error), failure ?? default);
        if (changed == true)
        {
            LogOpened(call.Model.Id, call.Policy.BreakerFailures, failure, call.Policy.BreakerOpenTime);
        }
        else if (changed == false)
        {
            LogClosed(call.Model.Id);
        }
    }

    private static Breaker.Outcome OutcomeOf(Exception? error) => error switch
    {
        null => Breaker.Outcome.Well,
        ModelException { Rule.CountsAgainstModel: true } => Breaker.Outcome.Failed,
        ModelException { Failure: ModelFailure.NoKey or ModelFailure.CapabilityMissing } => Breaker.Outcome.Unknown,
        ModelException => Breaker.Outcome.Well,
        _ => Breaker.Outcome.Unknown,
    };

    [LoggerMessage(1925, LogLevel.Warning, "Model {Model} is paused for {OpenTime} after {Failures} failures, the last: {Failure}")]
    private partial void LogOpened(string model, int failures, ModelFailure? failure, TimeSpan openTime);

    [LoggerMessage(1926, LogLevel.Information, "Model {Model} answers again")]
    private partial void LogClosed(string model);
}
