using Ai.Calls;
using Microsoft.Extensions.Logging;

namespace Ai.Policies;

/// <summary>Sends a call again while it has not begun to answer and its failure's rule allows it.</summary>
internal sealed partial class RetryPolicy(TimeProvider time, ILogger<RetryPolicy> logger) : IModelPolicy
{
    public PolicyPlace Place => PolicyPlace.Retry;

    public async ValueTask<ModelAnswer> InvokeAsync(ModelCall call, ModelHandler next, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await next(call, cancellationToken);
            }
            catch (ModelException exception) when (attempt <= call.Policy.Retries && MayResend(exception, call.Policy))
            {
                LogRetry(call.Model.Id, attempt, exception.Failure);
                await Task.Delay(exception.RetryAfter ?? Backoff(call.Policy, attempt), time, cancellationToken);
            }
        }
    }

    private static bool MayResend(ModelException exception, ModelCallOptions policy) =>
        exception.Rule.Resend switch
        {
            Resend.Safe => exception.RetryAfter is not { } wait || wait <= policy.MaxRetryDelay,
            Resend.MayBillTwice => policy.RetryWhatMayBillTwice,
            _ => false,
        };

    /// <summary>Doubles per attempt; 50 to 100 % of it, so that those who failed together do not come back together.</summary>
    private static TimeSpan Backoff(ModelCallOptions policy, int attempt)
    {
        var delay = policy.RetryDelay * Math.Pow(2, attempt - 1);
        return (delay < policy.MaxRetryDelay ? delay : policy.MaxRetryDelay) * (0.5 + Random.Shared.NextDouble() / 2);
    }

    [LoggerMessage(1901, LogLevel.Warning, "Model {Model}: attempt {Attempt} failed ({Failure}), trying again")]
    private partial void LogRetry(string model, int attempt, ModelFailure failure);
}
