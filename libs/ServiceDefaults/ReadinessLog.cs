using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace ServiceDefaults;

/// <summary>
/// Says once that the app is not ready and why, and once that it is. The framework logs each check of each probe as a failure, also where an app merely starts, so its
/// category is off.
/// </summary>
internal sealed partial class ReadinessLog(DrainState lifecycle, ILogger<ReadinessLog> logger)
{
    /// <summary>Category of the framework's lines.</summary>
    public const string FrameworkCategory = "Microsoft.Extensions.Diagnostics.HealthChecks";

    private readonly Lock _lock = new();
    private string? _said;
    private bool _wasReady;

    /// <summary>Logs what has changed since the last probe.</summary>
    public void Tell(HealthReport report)
    {
        var failed = report.Entries.Where(check => check.Value.Status != HealthStatus.Healthy).ToList();
        var reasons = string.Join("; ", failed.Select(check => $"{check.Key}: {check.Value.Description ?? check.Value.Exception?.Message}"));
        lock (_lock)
        {
            if (reasons == _said)
            {
                return;
            }

            _said = reasons;
            if (failed.Count == 0)
            {
                _wasReady = true;
                LogReady(logger);
            }
            else
            {
                var cause = failed.Select(check => check.Value.Exception).FirstOrDefault(exception => exception is not null);
                // Nobody has to look at an app that starts or stops.
                var level = _wasReady && !lifecycle.IsStopping ? LogLevel.Warning : LogLevel.Information;
                LogNotReady(logger, level, reasons, cause);
            }
        }
    }

    [LoggerMessage(940, LogLevel.Information, "Ready")]
    private static partial void LogReady(ILogger logger);

    [LoggerMessage(EventId = 941, Message = "Not ready: {Reasons}")]
    private static partial void LogNotReady(ILogger logger, LogLevel level, string reasons, Exception? exception);
}
