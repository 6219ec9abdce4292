using Contracts.Jobs;
using Microsoft.Extensions.Options;

namespace EventRouter.Logs;

/// <summary>
/// Reads and writes logs: a head document with the open entries, and sealed chunks that are written before the head names
/// them. One append is one compare-and-set of the head; there is never a transaction over several keys.
/// </summary>
internal sealed class JobLogStorage(ILogStore store, TimeProvider time, IOptions<EventRouterOptions> options, JobLogMetrics metrics)
{
    /// <summary>
    /// The log as it is in the store, null when there is none. <paramref name="known"/> is an older version whose key index
    /// is reused, so that only chunks that are new to this replica are read.
    /// </summary>
    public async Task<JobLogState?> LoadAsync(Guid jobId, JobLogState? known, CancellationToken cancellationToken)
    {
        metrics.ReadBack();
        var (head, etag) = await store.ReadAsync<JobHead>(JobLogKeys.Head(jobId), cancellationToken);
        if (head is null)
        {
            return null;
        }

        // A smaller number than before is another life of the same id: the old log had expired.
        if (known is not null && (head.Seq < known.Head.Seq || head.Deadline != known.Head.Deadline))
        {
            known = null;
        }

        var keys = known?.Keys ?? new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var last in head.Chunks)
        {
            if (last > (known?.Head.Seq ?? 0))
            {
                Index(keys, await ReadChunkAsync(jobId, last, cancellationToken));
            }
        }

        Index(keys, head.Open);
        return new JobLogState(head, etag, keys);
    }

    /// <summary>Entries with a larger number than <paramref name="after"/>, ascending.</summary>
    public async Task<IReadOnlyList<JobEvent>> ReadEntriesAsync(JobHead head, long after, CancellationToken cancellationToken)
    {
        var entries = new List<JobEvent>();
        foreach (var last in head.Chunks)
        {
            if (last > after)
            {
                entries.AddRange(await ReadChunkAsync(head.JobId, last, cancellationToken));
            }
        }

        entries.AddRange(head.Open);
        return entries.FindAll(entry =>
        {
            if (entry.Seq <= after)
            {
                return false;
            }

            after = entry.Seq;
            return true;
        });
    }

    /// <summary>One entry, or null when the log has not got it.</summary>
    public async Task<JobEvent?> ReadEntryAsync(JobHead head, long seq, CancellationToken cancellationToken)
    {
        var entries = head.Open;
        foreach (var last in head.Chunks)
        {
            if (last >= seq)
            {
                entries = await ReadChunkAsync(head.JobId, last, cancellationToken);
                break;
            }
        }

        return entries.FirstOrDefault(entry => entry.Seq == seq);
    }

    /// <summary>
    /// Writes a draft. Null: the compare-and-set was lost. A throw leaves the outcome open; loading again settles it, because
    /// the keys of a write that happened are in the log then.
    /// </summary>
    public async Task<JobHead?> CommitAsync(JobLogState? committed, JobLogDraft draft, CancellationToken cancellationToken)
    {
        var (head, chunk) = draft.Seal(options.Value.OpenBytes);
        var ttl = head.Deadline - time.GetUtcNow() + options.Value.Retention;
        if (chunk is not null)
        {
            await store.WriteAsync(JobLogKeys.Chunk(head.JobId, head.Chunks[^1]), chunk, ttl, cancellationToken);
        }

        var key = JobLogKeys.Head(head.JobId);
        if (committed is null)
        {
            await store.CreateAsync(key, head, ttl, cancellationToken);
            return head;
        }

        return await store.ReplaceAsync(key, head, committed.ETag, ttl, cancellationToken) ? head : null;
    }

    private async Task<IReadOnlyList<JobEvent>> ReadChunkAsync(Guid jobId, long last, CancellationToken cancellationToken)
    {
        metrics.ReadBack();
        var (chunk, _) = await store.ReadAsync<JobChunk>(JobLogKeys.Chunk(jobId, last), cancellationToken);
        return chunk?.Entries ?? throw new InvalidDataException($"Chunk {last} of job {jobId} is named by its head and missing");
    }

    private static void Index(Dictionary<string, long> keys, IReadOnlyList<JobEvent> entries)
    {
        for (var i = 0; i < entries.Count; i++)
        {
            keys[entries[i].Key] = entries[i].Seq;
        }
    }
}
