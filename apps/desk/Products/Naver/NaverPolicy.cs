using Microsoft.Extensions.Options;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;

namespace Desk.Products.Naver;

/// <summary>
/// How Naver is asked: repetitions, each of which goes through a breaker, takes one of the places for requests at a time, one of the day's requests, and waits for its turn
/// within the second. Only then its time begins.
/// </summary>
public sealed partial class NaverPolicy : IDisposable
{
    private readonly ILogger<NaverPolicy> _logger;
    private readonly DailyCalls _calls;
    private readonly SemaphoreSlim _places;
    private readonly CallPace _pace;
    private readonly ResiliencePipeline _pipeline;

    public NaverPolicy(DailyCalls calls, IOptions<NaverOptions> options, TimeProvider time, ILogger<NaverPolicy> logger)
    {
        (_calls, _logger) = (calls, logger);
        _places = new SemaphoreSlim(options.Value.Concurrency);
        _pace = new CallPace(options.Value.RequestsPerSecond, time);
        _pipeline = Build(options.Value, time);
    }

    /// <summary>Asks; throws <see cref="ProductSearchException"/>.</summary>
    public async Task<T> AskAsync<T>(Func<CancellationToken, Task<T>> ask, CancellationToken cancellationToken)
    {
        try
        {
            return await _pipeline.ExecuteAsync(async token => await InLineAsync(ask, token), cancellationToken);
        }
        catch (BrokenCircuitException exception)
        {
            throw new ProductSearchException(ProductSearchFailure.CircuitOpen, "Naver is left alone after failures", exception);
        }
    }

    public void Dispose() => _places.Dispose();

    private async Task<T> InLineAsync<T>(Func<CancellationToken, Task<T>> ask, CancellationToken cancellationToken)
    {
        await _places.WaitAsync(cancellationToken);
        try
        {
            await _calls.TakeAsync(cancellationToken);
            await _pace.WaitAsync(cancellationToken);
            return await ask(cancellationToken);
        }
        finally
        {
            _places.Release();
        }
    }

    private ResiliencePipeline Build(NaverOptions options, TimeProvider time)
    {
        var pipeline = new ResiliencePipelineBuilder { TimeProvider = time };
        if (options.Retries > 0)
        {
            pipeline.AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = new PredicateBuilder().Handle<ProductSearchException>(failure => MayRepeat(failure) && !(failure.RetryAfter > options.MaxRetryDelay)),
                MaxRetryAttempts = options.Retries,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = options.RetryDelay,
                MaxDelay = options.MaxRetryDelay,
                DelayGenerator = arguments => ValueTask.FromResult(arguments.Outcome.Exception is ProductSearchException failure
                    ? failure.RetryAfter ?? (failure.Failure == ProductSearchFailure.RateLimited ? options.RateDelay : null)
                    : null),
                OnRetry = arguments =>
                {
                    LogRetry(arguments.AttemptNumber + 1, (arguments.Outcome.Exception as ProductSearchException)?.Code, arguments.RetryDelay);
                    return ValueTask.CompletedTask;
                },
            });
        }

        // Every failure of the window counts and none may be a success: failures in a row.
        return pipeline
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions
            {
                ShouldHandle = new PredicateBuilder().Handle<ProductSearchException>(failure => failure.Failure
                    is ProductSearchFailure.Unavailable or ProductSearchFailure.Timeout or ProductSearchFailure.Unreachable or ProductSearchFailure.Malformed),
                FailureRatio = 1,
                MinimumThroughput = options.BreakAfter,
                SamplingDuration = options.BreakTime,
                BreakDuration = options.BreakTime,
                OnOpened = _ =>
                {
                    LogOpened(options.BreakAfter, options.BreakTime);
                    return ValueTask.CompletedTask;
                },
                OnClosed = _ =>
                {
                    LogClosed();
                    return ValueTask.CompletedTask;
                },
            })
            .Build();
    }

    private static bool MayRepeat(ProductSearchException failure) => failure.Failure
        is ProductSearchFailure.RateLimited or ProductSearchFailure.Unavailable or ProductSearchFailure.Timeout or ProductSearchFailure.Unreachable;

    [LoggerMessage(2245, LogLevel.Information, "Naver: attempt {Attempt} failed ({Code}), trying again after {Wait}")]
    private partial void LogRetry(int attempt, string? code, TimeSpan wait);

    [LoggerMessage(2248, LogLevel.Warning, "Naver is left alone for {Time} after {Failures} failures in a row")]
    private partial void LogOpened(int failures, TimeSpan time);

    [LoggerMessage(2249, LogLevel.Information, "Naver answers again")]
    private partial void LogClosed();
}
