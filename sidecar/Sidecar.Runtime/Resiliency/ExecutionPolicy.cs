using Sidecar.Runtime.App;

namespace Sidecar.Runtime.Resiliency;

/// <summary>A policy's view of one attempt's outcome.</summary>
/// <param name="Failed">Whether it counts as failure.</param>
/// <param name="StatusCode">HTTP status when there is one.</param>
/// <param name="GrpcCode">gRPC code when there is one.</param>
public readonly record struct AttemptOutcome(bool Failed, int? StatusCode, int? GrpcCode = null);

/// <summary>Policies of one target, nested as retry ( circuit breaker ( timeout ( call ))).</summary>
public sealed record ExecutionPolicy(TimeSpan? Timeout, RetryPolicy? Retry, CircuitBreaker? Breaker)
{
    private const int Unavailable = 14;

    /// <summary>Runs once, without any policy.</summary>
    public static readonly ExecutionPolicy None = new(null, null, null);

    /// <summary>Whether anything is configured.</summary>
    public bool IsNone => Timeout is null && Retry is null && Breaker is null;

    /// <summary>The same with attempts that take at most so long; zero adds no limit.</summary>
    public ExecutionPolicy Within(TimeSpan limit) => limit > TimeSpan.Zero && !(Timeout <= limit) ? this with { Timeout = limit } : this;

    /// <summary>
    /// Runs the call. <paramref name="judge"/> tells failures among results; a failed result is returned when no retry is left.
    /// <paramref name="mayRetry"/> can refuse retries of exceptions that must go through.
    /// </summary>
    public async Task<T> ExecuteAsync<T>(
        Func<CancellationToken, Task<T>> call, Func<T, AttemptOutcome> judge, Func<Exception, bool> mayRetry, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        for (var retry = 1; ; retry++)
        {
            T? result = default;
            Exception? failure = null;
            AttemptOutcome outcome;
            try
            {
                result = await AttemptAsync(call, judge, time, cancellationToken);
                outcome = judge(result);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested && exception is not CircuitOpenException && mayRetry(exception))
            {
                failure = exception;
                outcome = new AttemptOutcome(true, null, exception is AppUnreachableException ? Unavailable : null);
            }

            var delay = outcome.Failed && Retry?.Matches(outcome) == true ? Retry.Delay(retry, time.GetElapsedTime(started)) : null;
            if (delay is null)
            {
                if (failure is not null)
                {
                    System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
                }

                return result!;
            }

            (result as IDisposable)?.Dispose();
            await Task.Delay(delay.Value, time, cancellationToken);
        }
    }

    private async Task<T> AttemptAsync<T>(Func<CancellationToken, Task<T>> call, Func<T, AttemptOutcome> judge, TimeProvider time, CancellationToken cancellationToken)
    {
        var permit = Breaker?.Enter() ?? 0;
        var succeeded = false;
        try
        {
            if (Timeout is not { } timeout)
            {
                var result = await call(cancellationToken);
                succeeded = !judge(result).Failed;
                return result;
            }

            using var deadline = new CancellationTokenSource(timeout, time);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
            try
            {
                var result = await call(limit.Token);
                succeeded = !judge(result).Failed;
                return result;
            }
            catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
            {
                throw new TimeoutException($"no answer within {timeout}", exception);
            }
        }
        finally
        {
            Breaker?.Exit(permit, succeeded);
        }
    }
}
