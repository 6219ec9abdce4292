using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;

namespace Sidecar.Runtime.App;

/// <summary>
/// App health probes (protocol: HTTP §14): the work for the app runs while its probes succeed. It begins with the first success, ends
/// after <see cref="AppHealthCheck.Threshold"/> failures in a row, and begins anew, with everything read again, with the next success.
/// Service invocation is attempted either way.
/// </summary>
internal sealed partial class HealthGate : IAsyncDisposable
{
    /// <summary>What runs when the app becomes unhealthy may finish within this time.</summary>
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(5);

    private readonly AppHealthCheck _check;
    private readonly Func<string, CancellationToken, Task<bool>> _probe;
    private readonly Func<CancellationToken, Task<IAsyncDisposable>> _start;
    private readonly string _appId;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    /// <param name="appId">For the log.</param>
    /// <param name="check">Path and times.</param>
    /// <param name="probe">Asks a path of the app; true for 2xx.</param>
    /// <param name="start">Starts the work for the app; the result ends it.</param>
    /// <param name="time">Clock of the probes.</param>
    /// <param name="logger">Where changes are reported.</param>
    /// <param name="gone">Cancelled when the app is gone.</param>
    public HealthGate(
        string appId, AppHealthCheck check, Func<string, CancellationToken, Task<bool>> probe, Func<CancellationToken, Task<IAsyncDisposable>> start,
        TimeProvider time, ILogger logger, CancellationToken gone)
    {
        (_appId, _check, _probe, _start, _time, _logger) = (appId, check, probe, start, time, logger);
        _loop = RunAsync(gone);
    }

    /// <summary>Ends probes and work; what runs may finish until the app's own token is cancelled.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task RunAsync(CancellationToken gone)
    {
        while (true)
        {
            await UntilAsync(healthy: true, inARow: 1);
            using var running = CancellationTokenSource.CreateLinkedTokenSource(gone);
            IAsyncDisposable work;
            try
            {
                work = await _start(running.Token);
            }
            catch (Exception exception) when (!gone.IsCancellationRequested)
            {
                LogStartFailed(_logger, _appId, exception.Message);
                await PauseAsync();
                continue;
            }

            await using (work)
            {
                LogHealthy(_logger, _appId);
                await PauseAsync();
                await UntilAsync(healthy: false, _check.Threshold);
                LogUnhealthy(_logger, _appId, _check.Threshold);
                running.CancelAfter(DrainTimeout);
            }

            await PauseAsync();
        }
    }

    /// <summary>Probes until so many probes in a row came out like this.</summary>
    private async Task UntilAsync(bool healthy, int inARow)
    {
        for (var count = 0; ;)
        {
            count = await ProbeAsync() == healthy ? count + 1 : 0;
            if (count >= inARow)
            {
                return;
            }

            await PauseAsync();
        }
    }

    private Task PauseAsync() => Task.Delay(TimeSpan.FromSeconds(_check.IntervalSeconds), _time, _stop.Token);

    private async Task<bool> ProbeAsync()
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromMilliseconds(_check.TimeoutMilliseconds), _time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, deadline.Token);
        try
        {
            return await _probe(_check.Path, limit.Token);
        }
        catch (Exception) when (!_stop.IsCancellationRequested)
        {
            return false;
        }
    }

    [LoggerMessage(2411, LogLevel.Information, "App {AppId} is healthy: its deliveries begin")]
    private static partial void LogHealthy(ILogger logger, string appId);

    [LoggerMessage(2412, LogLevel.Warning, "App {AppId} is unhealthy after {Count} failed probes: its deliveries stop")]
    private static partial void LogUnhealthy(ILogger logger, string appId, int count);

    [LoggerMessage(2413, LogLevel.Error, "App {AppId}: its deliveries could not be started ({Problem}); trying again after a probe")]
    private static partial void LogStartFailed(ILogger logger, string appId, string problem);
}
