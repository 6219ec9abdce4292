using Contracts.Jobs;
using Microsoft.Extensions.Options;

namespace Sse.Streams;

/// <summary>Puts job logs together from their documents.</summary>
internal sealed class JobLogReader(IJobLogDocuments documents, IOptions<SseOptions> options)
{
    /// <summary>Most heads of one bulk read.</summary>
    public const int MaxHeads = 100;

    /// <summary>The head of a log, or null when there is none.</summary>
    public async Task<JobHead?> ReadHeadAsync(Guid jobId, CancellationToken cancellationToken)
    {
        using var timeout = Timeout(cancellationToken);
        return await documents.GetHeadAsync(jobId, timeout.Token);
    }

    /// <summary>Heads of the logs that exist.</summary>
    public async Task<IReadOnlyList<JobHead>> ReadHeadsAsync(IReadOnlyList<Guid> jobIds, CancellationToken cancellationToken)
    {
        using var timeout = Timeout(cancellationToken);
        return await documents.GetHeadsAsync(jobIds, timeout.Token);
    }

    /// <summary>
    /// Entries with a larger number than <paramref name="after"/>, ascending and without gaps. Chunks never change, so a head
    /// that is a moment old gives a consistent list.
    /// </summary>
    public async Task<IReadOnlyList<JobEvent>> ReadEntriesAsync(JobHead head, long after, CancellationToken cancellationToken)
    {
        var entries = new List<JobEvent>();
        var next = after + 1;
        foreach (var last in head.Chunks)
        {
            if (last >= next)
            {
                using var timeout = Timeout(cancellationToken);
                var chunk = await documents.GetChunkAsync(head.JobId, last, timeout.Token);
                Take(chunk?.Entries ?? throw new InvalidDataException($"Chunk {last} of job {head.JobId} is named by its head and missing"));
            }
        }

        Take(head.Open);
        return entries;

        void Take(IReadOnlyList<JobEvent> source)
        {
            foreach (var entry in source)
            {
                if (entry.Seq >= next)
                {
                    entries.Add(entry);
                    next = entry.Seq + 1;
                }
            }
        }
    }

    private CancellationTokenSource Timeout(CancellationToken cancellationToken)
    {
        var source = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        source.CancelAfter(options.Value.ReadTimeout);
        return source;
    }
}
