using Microsoft.Extensions.Logging;
using Sidecar.Workflows.Instances;
using Sidecar.Workflows.State;
using Sidecar.Workflows.Storage;
using Sidecar.Workflows.Timers;
using Tandem.Protocol.Workflows;

namespace Sidecar.Workflows;

/// <summary>Finds what must go on after a start, and removes what has been kept long enough.</summary>
internal sealed partial class Maintenance(
    InstanceStore store,
    InstanceRunner runner,
    TimerQueue timers,
    WorkflowEngineOptions options,
    TimeProvider time,
    ILogger logger,
    CancellationToken stopping) : IAsyncDisposable
{
    /// <summary>Instances read and armed at the same time after a start.</summary>
    private const int RecoveryParallelism = 8;

    private readonly ILogger _logger = logger;

    public Task Recovered { get; private set; } = Task.CompletedTask;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopping);
        var (active, untold) = await FindAsync(either.Token);
        active.ForEach(instanceId => runner.SetActive(instanceId, true));
        LogRecovering(active.Count);
        Recovered = Task.Run(() => RecoverAsync(active, untold), CancellationToken.None);
        ScheduleSweep();
    }

    public async ValueTask DisposeAsync() => await Recovered;

    /// <summary>Instances that have not ended, and ended ones whose parents may not know.</summary>
    private async Task<(List<string> Active, List<string> Untold)> FindAsync(CancellationToken cancellationToken)
    {
        for (var delay = options.StoreRetryDelay; ; delay = delay * 2 < options.MaxStoreRetryDelay ? delay * 2 : options.MaxStoreRetryDelay)
        {
            try
            {
                var active = new List<string>();
                var untold = new List<string>();
                await foreach (var (instanceId, metadata) in store.ListAsync(cancellationToken))
                {
                    if (!InstanceState.IsTerminal((OrchestrationStatus)metadata.Status))
                    {
                        active.Add(instanceId);
                    }
                    else if (metadata.ParentUntold)
                    {
                        untold.Add(instanceId);
                    }
                    else
                    {
                        runner.ArmRemoval(instanceId, metadata);
                    }
                }

                return (active, untold);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                LogListingFailed(exception, delay);
                await Task.Delay(delay, time, cancellationToken);
            }
        }
    }

    private async Task RecoverAsync(List<string> active, List<string> untold)
    {
        try
        {
            await Parallel.ForEachAsync(
                active,
                new ParallelOptions { MaxDegreeOfParallelism = RecoveryParallelism, CancellationToken = stopping },
                async (instanceId, _) => await runner.RecoverAsync(instanceId));
            foreach (var instanceId in untold)
            {
                await runner.TellParentAsync(instanceId);
            }
        }
        catch (OperationCanceledException)
        {
            // The engine stops; the next start begins anew.
        }
    }

    private void ScheduleSweep()
    {
        if (options.Retention.Removes)
        {
            timers.Add(new TimerEntry("\0retention", "sweep", time.GetUtcNow() + options.RetentionSweepInterval, SweepAsync));
        }
    }

    private async Task SweepAsync()
    {
        try
        {
            var removed = 0;
            await foreach (var (instanceId, metadata) in store.ListAsync(stopping))
            {
                if (runner.IsOutdated(metadata))
                {
                    removed += await runner.PurgeAsync(instanceId, force: false, runner.IsOutdated);
                }
            }

            LogSwept(removed);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return;
        }
        catch (Exception exception)
        {
            LogSweepFailed(exception);
        }

        ScheduleSweep();
    }

    [LoggerMessage(6030, LogLevel.Information, "{Count} workflows have not ended and go on")]
    private partial void LogRecovering(int count);

    [LoggerMessage(6031, LogLevel.Warning, "Workflows could not be listed; next attempt in {Delay}")]
    private partial void LogListingFailed(Exception exception, TimeSpan delay);

    [LoggerMessage(6032, LogLevel.Information, "{Count} ended workflows were removed after their retention")]
    private partial void LogSwept(int count);

    [LoggerMessage(6033, LogLevel.Warning, "Ended workflows could not be removed; the next sweep tries again")]
    private partial void LogSweepFailed(Exception exception);
}
