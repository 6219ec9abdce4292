using Contracts.Jobs;
using Microsoft.Extensions.Options;

namespace EventRouter.Logs;

/// <summary>
/// Appends to job logs. Idempotent by (job, event key): a known key changes nothing, is published again and answers its
/// number, so a caller that got no answer repeats the command.
/// </summary>
internal sealed partial class JobAppender(
    JobLogStorage storage, OpenJobs openJobs, IJobLogPublisher publisher, TimeProvider time, IOptions<EventRouterOptions> options,
    JobLogMetrics metrics, ILogger<JobAppender> logger)
{
    private readonly EventRouterOptions _options = options.Value;
    private readonly JobQueues _queues = new(options.Value.CachedJobs);

    /// <summary>Returns when the events are stored or refused. Cancelling gives up waiting; the append may still happen.</summary>
    public async Task<AppendOutcome> AppendAsync(Guid jobId, AppendJobEvents command, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var append = new PendingAppend(command);
        var queue = _queues.Get(jobId);
        if (queue.Enqueue(append))
        {
            _ = DrainAsync(queue);
        }

        var outcome = await append.Answer.WaitAsync(cancellationToken);
        metrics.Answered(time.GetElapsedTime(started), outcome.Refusal);
        return outcome;
    }

    /// <summary>The job is gone from the store. What another replica still has of it loses its compare-and-set.</summary>
    public void Forget(Guid jobId) => _queues.Remove(jobId);

    /// <summary>Writes batches until none waits. Runs apart from the callers: one that leaves must not stop the others.</summary>
    private async Task DrainAsync(JobQueue queue)
    {
        while (queue.TakeBatch() is { } batch)
        {
            try
            {
                await AppendBatchAsync(queue, batch);
            }
            catch (Exception exception)
            {
                LogFailed(logger, exception, queue.JobId, batch.Count);
                queue.Invalidate();
                Fail(batch);
            }

            await PrepareAsync(queue);
        }
    }

    private async Task AppendBatchAsync(JobQueue queue, List<PendingAppend> batch)
    {
        DropExpired(queue);
        for (var attempt = 1; ; attempt++)
        {
            using var timeout = new CancellationTokenSource(_options.StoreTimeout, time);
            try
            {
                if (await TryAppendAsync(queue, batch, timeout.Token))
                {
                    return;
                }

                metrics.Conflict();
            }
            catch (Exception exception) when (attempt < _options.MaxAttempts)
            {
                // The write may have happened. Reading again settles it: then its keys are known.
                LogUnsettled(logger, exception, queue.JobId, attempt);
            }

            queue.Invalidate();
            if (attempt >= _options.MaxAttempts)
            {
                LogGivenUp(logger, queue.JobId, attempt);
                Fail(batch);
                return;
            }

            await Task.Delay(Pause(attempt), time, CancellationToken.None);
        }
    }

    /// <summary>
    /// 1. Take the log. 2. Apply the commands. 3. Write. 4. Publish. 5. Answer. False: another replica wrote in between.
    /// </summary>
    // (4) docs/architecture.md: the only place where a job log grows.
    private async Task<bool> TryAppendAsync(JobQueue queue, List<PendingAppend> batch, CancellationToken cancellationToken)
    {
        queue.Log ??= await storage.LoadAsync(queue.JobId, queue.Outdated, cancellationToken);
        queue.Outdated = null;

        var committed = queue.Log;
        var draft = new JobLogDraft(committed);
        foreach (var append in batch)
        {
            append.Outcome = await ApplyAsync(queue.JobId, draft, append.Command, cancellationToken);
        }

        var log = committed;
        if (draft.Changed)
        {
            if (await storage.CommitAsync(committed, draft, cancellationToken) is not { } head)
            {
                return false;
            }

            // The store does not tell the new etag; PrepareAsync reads it after the answer.
            log = draft.Committed(head, etag: "");
            queue.Log = null;
            queue.Outdated = log;
            metrics.Appended(draft.Added.Count);
        }

        if (log is not null)
        {
            await AnnounceAsync(log.Head, draft, batch, cancellationToken);
        }

        foreach (var append in batch)
        {
            append.Complete();
        }

        return true;
    }

    private async Task<AppendOutcome> ApplyAsync(Guid jobId, JobLogDraft draft, AppendJobEvents command, CancellationToken cancellationToken)
    {
        if (draft.Exists)
        {
            return draft.Append(command, created: false);
        }

        if (command.Create is not { } creation)
        {
            return AppendOutcome.Refused(AppendRefusal.NotFound);
        }

        // Listed before the log exists, so that a crash in between leaves an entry too many, which the sweep removes.
        var admission = await openJobs.AddAsync(jobId, creation, cancellationToken);
        if (admission != AppendRefusal.None)
        {
            return AppendOutcome.Refused(admission);
        }

        draft.Create(jobId, creation);
        return draft.Append(command, created: true);
    }

    private async Task AnnounceAsync(JobHead head, JobLogDraft draft, List<PendingAppend> batch, CancellationToken cancellationToken)
    {
        var unlisted = head.Terminal is not null && draft.Changed
            ? openJobs.RemoveAsync(head.Owner, [head.JobId], cancellationToken)
            : Task.CompletedTask;

        if (draft.Changed)
        {
            await publisher.PublishAsync(head.JobId, draft.Added, cancellationToken);
        }

        if (await StoredEntriesAsync(head, draft, batch, cancellationToken) is { Count: > 0 } stored)
        {
            await publisher.PublishAsync(head.JobId, stored, cancellationToken);
        }

        await unlisted;
    }

    /// <summary>Entries of known keys: whoever repeats a command may do so because its hint was lost.</summary>
    private async Task<List<JobEvent>?> StoredEntriesAsync(
        JobHead head, JobLogDraft draft, List<PendingAppend> batch, CancellationToken cancellationToken)
    {
        var firstNew = draft.Changed ? draft.Added[0].Seq : long.MaxValue;
        SortedSet<long>? known = null;
        foreach (var append in batch)
        {
            if (append.Outcome.Refusal != AppendRefusal.None)
            {
                continue;
            }

            foreach (var input in append.Command.Events)
            {
                if (draft.Find(input.Key) is { } seq && seq < firstNew)
                {
                    (known ??= []).Add(seq);
                }
            }
        }

        if (known is null)
        {
            return null;
        }

        var entries = new List<JobEvent>(known.Count);
        foreach (var seq in known)
        {
            if (await storage.ReadEntryAsync(head, seq, cancellationToken) is { } entry)
            {
                entries.Add(entry);
            }
        }

        return entries;
    }

    /// <summary>Reads the new etag while nobody waits for it, so that the next append begins with its write.</summary>
    private async Task PrepareAsync(JobQueue queue)
    {
        if (queue.Log is not null || queue.Outdated is not { Head.Terminal: null } || queue.HasWaiting)
        {
            return;
        }

        using var timeout = new CancellationTokenSource(_options.StoreTimeout, time);
        try
        {
            queue.Log = await storage.LoadAsync(queue.JobId, queue.Outdated, timeout.Token);
            queue.Outdated = null;
        }
        catch (Exception exception)
        {
            LogUnsettled(logger, exception, queue.JobId, 0);
        }
    }

    /// <summary>A log that has outlived its retention is gone from the store; its id may be used again.</summary>
    private void DropExpired(JobQueue queue)
    {
        if ((queue.Log ?? queue.Outdated) is { } log && log.Head.Deadline + _options.Retention <= time.GetUtcNow())
        {
            queue.Log = null;
            queue.Outdated = null;
        }
    }

    private TimeSpan Pause(int attempt) => _options.RetryPause * (Random.Shared.NextDouble() * (1 << Math.Min(attempt - 1, 4)));

    private static void Fail(List<PendingAppend> batch)
    {
        foreach (var append in batch)
        {
            append.Outcome = AppendOutcome.Refused(AppendRefusal.Unavailable);
            append.Complete();
        }
    }

    [LoggerMessage(1102, LogLevel.Debug, "Store did not settle an append to job {JobId} (try {Attempt}); reading the log again")]
    private static partial void LogUnsettled(ILogger logger, Exception exception, Guid jobId, int attempt);

    [LoggerMessage(1103, LogLevel.Error, "Append to job {JobId} given up after {Attempts} tries")]
    private static partial void LogGivenUp(ILogger logger, Guid jobId, int attempts);

    [LoggerMessage(1104, LogLevel.Error, "Batch of {Count} appends to job {JobId} failed")]
    private static partial void LogFailed(ILogger logger, Exception exception, Guid jobId, int count);
}
