using Contracts.Jobs;

namespace EventRouter.Logs;

/// <summary>Tells the replicas of sse that a log has grown.</summary>
internal interface IJobLogPublisher
{
    /// <summary>Publishes entries that are in the store. Never throws: a lost hint costs latency, the log has the events.</summary>
    Task PublishAsync(Guid jobId, IReadOnlyList<JobEvent> entries, CancellationToken cancellationToken);
}
