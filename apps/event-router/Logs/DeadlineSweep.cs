using System.Text.Json;
using Contracts.Jobs;
using Microsoft.Extensions.Options;

namespace EventRouter.Logs;

/// <summary>
/// Ends jobs whose deadline has passed and cleans the open-job index. Every step may be repeated or run twice at a time: the
/// terminal event has a fixed key and a log ends once.
/// </summary>
internal sealed partial class DeadlineSweep(
    JobAppender appender, OpenJobs openJobs, ILogStore store, TimeProvider time, IOptions<EventRouterOptions> options,
    ILogger<DeadlineSweep> logger)
{
    /// <summary>Most logs ended at a time.</summary>
    private const int Parallelism = 8;

    /// <summary>Most heads read at a time.</summary>
    private const int ReadBatch = 100;

    private static readonly JsonElement Result = JsonSerializer.SerializeToElement(
        new Dictionary<string, string>
        {
            ["code"] = JobWords.DeadlineExceeded,
            ["error"] = "The job was not finished before its deadline",
        });

    /// <summary>One sweep over what the index lists.</summary>
    public async Task RunAsync(IReadOnlyList<OpenJob> listed, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var due = listed.Where(job => job.Deadline <= now).ToArray();
        await Parallel.ForEachAsync(
            due,
            new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = cancellationToken },
            async (job, token) => await EndAsync(job, now, token));

        foreach (var batch in listed.Where(job => job.Deadline > now && IsOld(job, now)).Chunk(ReadBatch))
        {
            await CompareAsync(batch, cancellationToken);
        }
    }

    private async Task EndAsync(OpenJob job, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var input = new JobEventInput(
            "done#deadline.failed", JobWords.Done, JobWords.Failed, 0, now, Result, "The job was not finished before its deadline");
        var outcome = await appender.AppendAsync(job.JobId, new AppendJobEvents([input]), cancellationToken);
        switch (outcome.Refusal)
        {
            case AppendRefusal.None:
                LogEnded(logger, job.JobId, job.Deadline);
                await openJobs.RemoveAsync(job.Owner, [job.JobId], cancellationToken);
                break;
            case AppendRefusal.Closed:
            case AppendRefusal.NotFound when IsOld(job, now):
                await openJobs.RemoveAsync(job.Owner, [job.JobId], cancellationToken);
                break;
        }
    }

    /// <summary>Takes off the index what has ended and what never came to a log.</summary>
    private async Task CompareAsync(OpenJob[] batch, CancellationToken cancellationToken)
    {
        var heads = await store.ReadManyAsync<JobHead>([.. batch.Select(job => JobLogKeys.Head(job.JobId))], cancellationToken);
        var open = heads.Where(head => head.Terminal is null).Select(head => head.JobId).ToHashSet();
        foreach (var leftOver in batch.Where(job => !open.Contains(job.JobId)).GroupBy(job => job.Owner))
        {
            await openJobs.RemoveAsync(leftOver.Key, [.. leftOver.Select(job => job.JobId)], cancellationToken);
        }
    }

    /// <summary>A young entry may belong to a log that is just being created.</summary>
    private bool IsOld(OpenJob job, DateTimeOffset now) => now - job.AddedAt >= options.Value.IndexGrace;

    [LoggerMessage(1120, LogLevel.Information, "Job {JobId} ended: its deadline {Deadline} had passed")]
    private static partial void LogEnded(ILogger logger, Guid jobId, DateTimeOffset deadline);
}
