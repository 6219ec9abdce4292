using Contracts;
using Contracts.Jobs;
using Dapr.Client;

namespace Sse.Streams;

/// <summary>The documents of job logs. A seam because the tests must fail and delay reads at chosen points.</summary>
internal interface IJobLogDocuments
{
    /// <summary>A head, or null when there is no such log.</summary>
    Task<JobHead?> GetHeadAsync(Guid jobId, CancellationToken cancellationToken);

    /// <summary>The heads that exist, in no particular order.</summary>
    Task<IReadOnlyList<JobHead>> GetHeadsAsync(IReadOnlyList<Guid> jobIds, CancellationToken cancellationToken);

    /// <summary>A sealed chunk, or null when it is missing.</summary>
    Task<JobChunk?> GetChunkAsync(Guid jobId, long lastSeq, CancellationToken cancellationToken);
}

/// <summary><see cref="IJobLogDocuments"/> in the <c>joblog</c> component, which event-router writes.</summary>
internal sealed class DaprJobLogDocuments(DaprClient dapr) : IJobLogDocuments
{
    private const int ReadParallelism = 8;

    public async Task<JobHead?> GetHeadAsync(Guid jobId, CancellationToken cancellationToken) =>
        await dapr.GetStateAsync<JobHead?>(Components.JobLog, JobLogKeys.Head(jobId), cancellationToken: cancellationToken);

    public async Task<IReadOnlyList<JobHead>> GetHeadsAsync(IReadOnlyList<Guid> jobIds, CancellationToken cancellationToken)
    {
        var keys = jobIds.Select(JobLogKeys.Head).ToArray();
        var items = await dapr.GetBulkStateAsync<JobHead?>(Components.JobLog, keys, ReadParallelism, cancellationToken: cancellationToken);
        return [.. items.Select(item => item.Value).OfType<JobHead>()];
    }

    public async Task<JobChunk?> GetChunkAsync(Guid jobId, long lastSeq, CancellationToken cancellationToken) =>
        await dapr.GetStateAsync<JobChunk?>(Components.JobLog, JobLogKeys.Chunk(jobId, lastSeq), cancellationToken: cancellationToken);
}
