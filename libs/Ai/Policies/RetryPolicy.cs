using Ai.Calls;
using Microsoft.Extensions.Logging;

namespace Ai.Policies;

/// <summary>
/// Sends a call again while it has not begun to answer and its failure's rule allows it: at once where the provider has another key, which does not count
/// as a retry; else after what the provider, or the key pool, asks to wait, or after a wait that doubles. It gives up at once where the wait is longer than
/// allowed or than the call still has, so that the next model of the chain gets that time.
/// </summary>
internal sealed partial class RetryPolicy(TimeProvider time, ILogger<RetryPolicy> logger) : IModelPolicy
{
    public PolicyPlace Place => PolicyPlace.Retry;

    public async ValueTask<ModelAnswer> InvokeAsync(ModelCall call, ModelHandler next, CancellationToken cancellationToken)
    {
        for (int retries = 0, keys = 0; ;)
        {
            TimeSpan wait;
            try
            {
                return await next(call, cancellationToken);
            }
            catch (ModelException exception) when (!cancellationToken.IsCancellationRequested && WaitAfter(exception, call, retries, keys) is { } allowed)
            {
                wait = allowed;
                LogRetry(call.Model.Id, retries + 1, exception.Failure, wait);
            }

            if (wait == TimeSpan.Zero)
            {
                keys++;
            }
            else
            {
                retries++;
                await Task.Delay(wait, time, cancellationToken);
            }
        }
    }

    /// <summary>How long to wait before the next attempt; zero when another key is ready; null when there is to be none.</summary>
    private TimeSpan? WaitAfter(ModelException exception, ModelCall call, int retries, int keys)
    {
        if (exception.AnotherKey)
        {
            return keys < call.Policy.KeyChanges ? TimeSpan.Zero : null;
        }

        var schedule = Schedule.Of(exception.Failure, call.Policy);
        if (retries >= schedule.Retries || !MayResend(exception, call.Policy))
        {
            return null;
        }

        var wait = exception.RetryAfter is { } asked && asked > TimeSpan.Zero
            // Those who were turned away together do not come back together.
            ? asked <= schedule.MaxDelay ? asked + schedule.Delay * (Random.Shared.NextDouble() / 2) : (TimeSpan?)null
            : schedule.Backoff(retries);
        return wait is { } known && call.Deadline is { } deadline && time.GetElapsedTime(time.GetTimestamp(), deadline) <= known ? null : wait;
    }

    private static bool MayResend(ModelException exception, ModelCallOptions policy) => exception.Failure switch
    {
        // With the same key it would fail again.
        ModelFailure.Unauthorized or ModelFailure.Forbidden or ModelFailure.QuotaExhausted => false,
        ModelFailure.NoKey => exception.RetryAfter is not null,
        _ => exception.Rule.Resend == Resend.Safe || (exception.Rule.Resend == Resend.MayBillTwice && policy.RetryWhatMayBillTwice),
    };

    [LoggerMessage(1901, LogLevel.Warning, "Model {Model}: attempt {Attempt} failed ({Failure}), trying again after {Wait}")]
    private partial void LogRetry(string model, int attempt, ModelFailure failure, TimeSpan wait);

    /// <summary>How often and after which waits; a network that is away and an answer that is wrong have their own.</summary>
    private readonly record struct Schedule(int Retries, TimeSpan Delay, TimeSpan MaxDelay, bool Jitter)
    {
        public static Schedule Of(ModelFailure failure, ModelCallOptions policy) => failure switch
        {
            ModelFailure.Unreachable => new(policy.NetworkRetries, policy.NetworkRetryDelay, policy.MaxNetworkRetryDelay, Jitter: true),
            ModelFailure.Malformed or ModelFailure.AnswerInvalid =>
                new(policy.AnswerRetries, policy.AnswerRetryDelay, policy.MaxAnswerRetryDelay, Jitter: false),
            _ => new(policy.Retries, policy.RetryDelay, policy.MaxRetryDelay, Jitter: true),
        };

        /// <summary>Doubles per retry up to the longest; with jitter it is 50 to 100 % of that.</summary>
        public TimeSpan Backoff(int retries)
        {
            var seconds = Math.Min(Delay.TotalSeconds * Math.Pow(2, retries), MaxDelay.TotalSeconds);
            return TimeSpan.FromSeconds(Jitter ? seconds * (0.5 + Random.Shared.NextDouble() / 2) : seconds);
        }
    }
}
