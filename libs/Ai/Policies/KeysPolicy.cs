using Ai.Calls;
using Ai.Providers;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace Ai.Policies;

/// <summary>
/// Chooses the key of the provider and notes what became of it. After a failure that is the key's fault it says whether another key is ready, or how long
/// until one is. A provider that needs no key passes.
/// </summary>
internal sealed partial class KeysPolicy(IProviderKeys source, KeyPools pools, ILogger<KeysPolicy> logger) : IModelPolicy
{
    public PolicyPlace Place => PolicyPlace.Keys;

    public async ValueTask<ModelAnswer> InvokeAsync(ModelCall call, ModelHandler next, CancellationToken cancellationToken)
    {
        var keys = await source.OfAsync(call.Model.Provider, cancellationToken);
        if (keys.Keys.Count == 0)
        {
            throw new ModelException(ModelFailure.NoKey, $"provider '{call.Model.Provider}': {keys.Reason}");
        }

        if (keys.Keys[0].Value is null)
        {
            return await next(call, cancellationToken);
        }

        var pool = pools.Of(call.Model.Provider);
        pool.Use(keys.Keys);
        var tokens = pool.CountsTokens ? (int)Math.Min(TokenEstimate.Of(call).TotalTokenCount ?? 0, int.MaxValue) : 0;
        var key = pool.Take(call.Model.Id, tokens);
        ModelAnswer answer;
        try
        {
            answer = await next(call with { Key = key.Key.Value }, cancellationToken);
        }
        catch (Exception exception)
        {
            Ended(pool, key, call, tokens, usage: null, exception);
            if (exception is ModelException failed && IsOfKey(failed.Failure))
            {
                throw Explain(failed, pool.Soonest(call.Model.Id, tokens));
            }

            throw;
        }

        answer.WhenEnded(end => Ended(pool, key, call, tokens, end.Usage, end.Error));
        return answer;
    }

    private void Ended(KeyPool pool, PooledKey key, ModelCall call, int tokens, UsageDetails? usage, Exception? error)
    {
        var failed = error as ModelException;
        var changed = pool.Ended(key, call.Model.Id, tokens, usage is null ? null : (usage.InputTokenCount ?? 0) + (usage.OutputTokenCount ?? 0), error);
        if (changed == true)
        {
            LogDisabled(key.Key.Name, call.Model.Provider, pool.DisabledTime, call.Model.Id, failed?.Failure);
            source.Reread(call.Model.Provider);
        }
        else if (changed == false)
        {
            LogWorks(key.Key.Name, call.Model.Provider);
        }
        else if (failed?.Failure == ModelFailure.RateLimited)
        {
            LogCooling(key.Key.Name, call.Model.Provider, failed.RetryAfter);
        }
    }

    private static bool IsOfKey(ModelFailure failure) =>
        failure is ModelFailure.RateLimited or ModelFailure.QuotaExhausted or ModelFailure.Unauthorized or ModelFailure.Forbidden;

    /// <summary>The failure as those above need it: when it makes sense to send the call again.</summary>
    private static ModelException Explain(ModelException failed, TimeSpan soonest) => new(failed.Failure, failed.Message, failed)
    {
        Status = failed.Status,
        RetryAfter = soonest > TimeSpan.Zero ? soonest : null,
        AnotherKey = soonest == TimeSpan.Zero,
    };

    [LoggerMessage(1927, LogLevel.Error, "Key '{Key}' of {Provider} is disabled for {Time} or until its value changes: {Model} answered {Failure}")]
    private partial void LogDisabled(string key, string provider, TimeSpan time, string model, ModelFailure? failure);

    [LoggerMessage(1928, LogLevel.Information, "Key '{Key}' of {Provider} works again")]
    private partial void LogWorks(string key, string provider);

    [LoggerMessage(1929, LogLevel.Warning, "Key '{Key}' of {Provider} cools down, the provider asks for {RetryAfter}")]
    private partial void LogCooling(string key, string provider, TimeSpan? retryAfter);
}
