using Contracts.Jobs;
using Microsoft.Extensions.Options;
using ServiceDefaults.Identity;

namespace Sse.Streams;

/// <summary>
/// Sends keep-alives, spread over the interval, and compares the logs of quiet streams with what was sent: one bulk read of
/// heads instead of a read per stream. Ends streams whose token has expired or was revoked:
/// the client connects again and is told so.
/// </summary>
internal sealed partial class KeepAliveService(
    StreamHub hub, JobLogReader reader, RevokedTokens revoked, TimeProvider time, IOptions<SseOptions> options, IHostApplicationLifetime lifetime,
    ILogger<KeepAliveService> logger) : BackgroundService
{
    private long _recheckUntil;
    private Task _comparing = Task.CompletedTask;

    /// <summary>
    /// The sidecar asks for the subscriptions again: it has restarted or reconnected, so hints may have been lost, and some
    /// still will be until its subscription is made.
    /// </summary>
    public void SubscriptionRenewed() =>
        Volatile.Write(ref _recheckUntil, (time.GetUtcNow() + options.Value.RecheckAfterRenewal).UtcTicks);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var stop = lifetime.ApplicationStopping.Register(hub.Stop);
        using var timer = new PeriodicTimer(options.Value.KeepAlive / StreamHub.Slices, time);
        for (var tick = 0; await WaitAsync(timer, stoppingToken); tick++)
        {
            try
            {
                Tick(tick % StreamHub.Slices, stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                LogTickFailed(logger, exception);
            }
        }

        await _comparing;
        LogStopped(logger, hub.Count);
    }

    private void Tick(int slice, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var keepAlive = EventFrame.KeepAlive(now);
        var served = hub.Snapshot(slice);
        foreach (var stream in served)
        {
            if (stream.Identity.ExpiresAt <= now || revoked.Contains(stream.Identity))
            {
                stream.End();
            }
            else
            {
                stream.Offer(keepAlive, 0);
            }
        }

        var recheckAll = now.UtcTicks < Volatile.Read(ref _recheckUntil);
        var compared = recheckAll ? hub.Snapshot(slice: null) : served.FindAll(IsQuiet);
        // Not waited for: while the store is slow, signs of life go on. What is left out now has its turn again.
        if (_comparing.IsCompleted)
        {
            _comparing = CompareAsync(compared, cancellationToken);
        }
    }

    private async Task CompareAsync(List<JobStream> streams, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var jobIds in streams.Select(stream => stream.JobId).Distinct().Chunk(JobLogReader.MaxHeads))
            {
                foreach (var head in await reader.ReadHeadsAsync(jobIds, cancellationToken))
                {
                    // As good as a hint. A stream that misses more than the open entries sees the gap and reads the chunks.
                    hub.Offer(head.JobId, head.Open);
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The app is stopping.
        }
        catch (Exception exception)
        {
            LogTickFailed(logger, exception);
        }
    }

    private bool IsQuiet(JobStream stream) =>
        stream.LastEvent == 0 || time.GetElapsedTime(stream.LastEvent) >= options.Value.KeepAlive;

    private static async Task<bool> WaitAsync(PeriodicTimer timer, CancellationToken cancellationToken)
    {
        try
        {
            return await timer.WaitForNextTickAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    [LoggerMessage(1210, LogLevel.Warning, "Quiet streams could not be compared with their logs; trying again with the next tick")]
    private static partial void LogTickFailed(ILogger logger, Exception exception);

    [LoggerMessage(1211, LogLevel.Information, "Keep-alives stop with {Count} streams ending: the app is stopping")]
    private static partial void LogStopped(ILogger logger, int count);
}
