using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using System.ComponentModel.DataAnnotations;

namespace ServiceDefaults;

/// <summary>How an app waits for its sidecar and how it stops.</summary>
public sealed class LifecycleOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Lifecycle";

    /// <summary>
    /// Time between "not ready" and the end of intake, so that load balancers see it first. Default none; Kubernetes needs a probe period.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00")]
    public TimeSpan DrainDelay { get; set; }

    /// <summary>How long running requests may take to finish. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long a call of <c>DaprClient</c> may take with all its repeats: a sidecar that takes connections and answers nothing must not hold
    /// callers for ever. Default 60 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan SidecarTimeout { get; set; } = TimeSpan.FromSeconds(60);
}

/// <summary>Ready from start to the beginning of the stop.</summary>
internal sealed class DrainState(IOptions<LifecycleOptions> options, TimeProvider time) : IHealthCheck, IHostedLifecycleService
{
    private volatile bool _isStarted;
    private volatile bool _isStopping;

    /// <summary>Whether everything has started once.</summary>
    public bool IsStarted => _isStarted;

    /// <summary>Whether the stop has begun.</summary>
    public bool IsStopping => _isStopping;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        _isStopping ? HealthCheckResult.Unhealthy("stopping") : _isStarted ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("starting"));

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        _isStarted = true;
        return Task.CompletedTask;
    }

    /// <summary>Runs before the server stops: first nobody is sent here any more, then intake ends.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        _isStopping = true;
        if (options.Value.DrainDelay > TimeSpan.Zero)
        {
            await Task.Delay(options.Value.DrainDelay, time, cancellationToken);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
