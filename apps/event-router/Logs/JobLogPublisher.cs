using Contracts;
using Contracts.Jobs;
using Dapr;
using Dapr.Client;

namespace EventRouter.Logs;

/// <inheritdoc cref="IJobLogPublisher"/>
internal sealed partial class JobLogPublisher(DaprClient dapr, TimeProvider time, ILogger<JobLogPublisher> logger) : IJobLogPublisher
{
    public async Task PublishAsync(Guid jobId, IReadOnlyList<JobEvent> entries, CancellationToken cancellationToken)
    {
        try
        {
            var hint = new JobLogAppended(jobId, entries, time.GetUtcNow());
            // (11) docs/architecture.md: a hint; the truth is in the log, so no outbox.
            await dapr.PublishEventAsync(Components.Broadcast, JobTopics.JobLog, hint, cancellationToken);
        }
        catch (Exception exception) when (exception is DaprException or HttpRequestException or OperationCanceledException)
        {
            LogLost(logger, exception, jobId, entries[^1].Seq);
        }
    }

    [LoggerMessage(1101, LogLevel.Warning, "Hint for job {JobId} up to {Seq} was not published; sse finds the entries with its next read")]
    private static partial void LogLost(ILogger logger, Exception exception, Guid jobId, long seq);
}
