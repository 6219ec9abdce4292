using System.Collections.Concurrent;
using Contracts.Jobs;
using Sse.Streams;

namespace Sse.Tests;

/// <summary>Job logs in memory, with hooks in the middle of a read.</summary>
internal sealed class FakeJobLogs : IJobLogDocuments
{
    private readonly ConcurrentDictionary<Guid, (string Owner, string App, List<JobEvent> Entries)> _jobs = new();

    /// <summary>Runs after a head was taken and before the reader has it.</summary>
    public Func<Guid, Task> AfterHeadTaken { get; set; } = _ => Task.CompletedTask;

    /// <summary>Runs before a bulk read of heads.</summary>
    public Func<CancellationToken, Task> BeforeHeads { get; set; } = _ => Task.CompletedTask;

    /// <summary>Entries per sealed chunk.</summary>
    public int ChunkLength { get; set; } = 4;

    public int HeadReads;

    public Guid Create(string owner, string app = "scan")
    {
        var jobId = Guid.NewGuid();
        _jobs[jobId] = (owner, app, []);
        Append(jobId, "queued", "started");
        return jobId;
    }

    public JobEvent Append(Guid jobId, string stage, string status, string? message = null)
    {
        var entries = _jobs[jobId].Entries;
        lock (entries)
        {
            var entry = new JobEvent(
                jobId, entries.Count + 1, $"{stage}#{entries.Count}.{status}", stage, status, 0, 0, DateTimeOffset.UnixEpoch, Message: message);
            entries.Add(entry);
            return entry;
        }
    }

    public async Task<JobHead?> GetHeadAsync(Guid jobId, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref HeadReads);
        var head = HeadOf(jobId);
        await AfterHeadTaken(jobId);
        return head;
    }

    public async Task<IReadOnlyList<JobHead>> GetHeadsAsync(IReadOnlyList<Guid> jobIds, CancellationToken cancellationToken)
    {
        await BeforeHeads(cancellationToken);
        return [.. jobIds.Select(HeadOf).OfType<JobHead>()];
    }

    public Task<JobChunk?> GetChunkAsync(Guid jobId, long lastSeq, CancellationToken cancellationToken)
    {
        var entries = _jobs[jobId].Entries;
        lock (entries)
        {
            return Task.FromResult<JobChunk?>(new JobChunk([.. entries.Skip((int)lastSeq - ChunkLength).Take(ChunkLength)]));
        }
    }

    private JobHead? HeadOf(Guid jobId)
    {
        if (!_jobs.TryGetValue(jobId, out var job))
        {
            return null;
        }

        lock (job.Entries)
        {
            var sealedChunks = (job.Entries.Count - 1) / ChunkLength;
            var last = job.Entries[^1];
            return new JobHead(
                jobId, job.Owner, job.App, DateTimeOffset.UnixEpoch, null, last.Seq, 0, last.Stage == JobWords.Done ? last.Status : null,
                [.. Enumerable.Range(1, sealedChunks).Select(i => (long)i * ChunkLength)], [.. job.Entries.Skip(sealedChunks * ChunkLength)]);
        }
    }
}
