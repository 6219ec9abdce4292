using Contracts.Jobs;
using Dapr;
using Microsoft.Extensions.Options;

namespace Sse.Streams;

/// <summary>The log's store did not answer, or not in time.</summary>
internal sealed class JobLogUnavailableException(Exception cause) : Exception("The job log cannot be read at the moment", cause);

/// <summary>Puts job logs together from their documents.</summary>
internal sealed class JobLogReader(IJobLogDocuments documents, IOptions<SseOptions> options)
{
    /// <summary>Most heads of one bulk read.</summary>
    public const int MaxHeads = 100;

    /// <summary>The head of a log, or null when there is none.</summary>
    public Task<JobHead?> ReadHeadAsync(Guid jobId, CancellationToken cancellationToken) =>
        ReadAsync(token => documents.GetHeadAsync(jobId, token), cancellationToken);

    /// <summary>Heads of the logs that exist.</summary>
    public Task<IReadOnlyList<JobHead>> ReadHeadsAsync(IReadOnlyList<Guid> jobIds, CancellationToken cancellationToken) =>
        ReadAsync(token => documents.GetHeadsAsync(jobIds, token), cancellationToken);

    /// <summary>
    /// Entries with a larger number than <paramref name="after"/>, ascending and without gaps. Chunks never change, so a head
    /// that is a moment old gives a consistent list.
    /// </summary>
    public async Task<IReadOnlyList<JobEvent>> ReadEntriesAsync(JobHead head, long after, CancellationToken cancellationToken)
    {
        var entries = new List<JobEvent>();
        foreach (var last in head.Chunks)
        {
            if (last > after)
            {
                var chunk = await ReadAsync(token => documents.GetChunkAsync(head.JobId, last, token), cancellationToken);
                Take(chunk?.Entries ?? throw new InvalidDataException($"Chunk {last} of job {head.JobId} is named by its head and missing"));
            }
        }

        Take(head.Open);
        return entries;

        void Take(IReadOnlyList<JobEvent> source)
        {
            foreach (var entry in source)
            {
                if (entry.Seq > after)
                {
                    entries.Add(entry);
                    after = entry.Seq;
                }
            }
        }
    }

    /// <summary>One read under the time limit; throws <see cref="JobLogUnavailableException"/>.</summary>
    private async Task<T> ReadAsync<T>(Func<CancellationToken, Task<T>> read, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.Value.ReadTimeout);
        try
        {
            return await read(limit.Token);
        }
        catch (Exception exception) when (exception is DaprException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            throw new JobLogUnavailableException(exception);
        }
    }
}
