using System.Text;
using Contracts.Jobs;
using Microsoft.Extensions.Options;

namespace EventRouter.Logs;

/// <summary>A job that has not ended, as the index lists it. The app is not known of entries from before it was listed; they count for nobody.</summary>
internal sealed record OpenJob(Guid JobId, string Owner, DateTimeOffset Deadline, DateTimeOffset AddedAt, string App = "");

/// <summary>Stored form of one shard of the index, key <c>open:{shard}</c>.</summary>
internal sealed record OpenJobsShard(IReadOnlyList<OpenJob> Jobs);

/// <summary>
/// Index of the jobs that have not ended: enforces the limits, which are each app's own, and tells the sweep what is due. Sharded by owner, so that the
/// limit per owner is exact under one compare-and-set; the total is the sum of the shards as last seen. The logs are the
/// truth, the index follows them: an entry is added before its log exists and removed after its end, and the sweep removes
/// what is left over.
/// </summary>
internal sealed partial class OpenJobs(
    ILogStore store, TimeProvider time, IOptions<EventRouterOptions> options, JobLogMetrics metrics, ILogger<OpenJobs> logger)
{
    /// <summary>Number of shards; part of the stored format.</summary>
    public const int Shards = 16;

    private readonly EventRouterOptions _options = options.Value;
    private readonly SemaphoreSlim[] _locks = [.. Enumerable.Range(0, Shards).Select(_ => new SemaphoreSlim(1, 1))];
    private readonly Dictionary<string, int>[] _counts = [.. Enumerable.Range(0, Shards).Select(_ => new Dictionary<string, int>(StringComparer.Ordinal))];
    private volatile bool _counted;

    /// <summary>Lists a job unless a limit stands against it. Idempotent by job id.</summary>
    public async Task<AppendRefusal> AddAsync(Guid jobId, JobCreation creation, CancellationToken cancellationToken)
    {
        if (!_counted)
        {
            await ReadAllAsync(cancellationToken);
        }

        var shard = ShardOf(creation.Owner);
        var now = time.GetUtcNow();
        return await ChangeAsync(shard, jobs =>
        {
            var (owned, open) = (0, 0);
            foreach (var job in jobs)
            {
                if (job.JobId == jobId)
                {
                    return (null, AppendRefusal.None);
                }

                if (job.App == creation.App)
                {
                    open++;
                    // A job past its deadline is as good as ended: a late sweep must not lock its owner out.
                    owned += job.Owner == creation.Owner && job.Deadline > now ? 1 : 0;
                }
            }

            return owned >= creation.MaxOpenPerOwner ? (null, AppendRefusal.TooManyOpen)
                : open + CountOthers(shard, creation.App) >= creation.MaxOpen ? (null, AppendRefusal.SystemBusy)
                : ([.. jobs, new OpenJob(jobId, creation.Owner, creation.Deadline, now, creation.App)], AppendRefusal.None);
        }, cancellationToken);
    }

    /// <summary>Takes jobs of one owner off the index. Best effort: what stays is found by the sweep.</summary>
    public async Task RemoveAsync(string owner, IReadOnlyCollection<Guid> jobIds, CancellationToken cancellationToken)
    {
        try
        {
            await ChangeAsync(ShardOf(owner), jobs =>
            {
                var left = jobs.Where(job => !jobIds.Contains(job.JobId)).ToArray();
                return (left.Length == jobs.Count ? null : left, AppendRefusal.None);
            }, cancellationToken);
        }
        catch (Exception exception)
        {
            LogNotRemoved(logger, exception, jobIds.Count);
        }
    }

    /// <summary>Everything listed; also what the total is counted from until the next change.</summary>
    public async Task<IReadOnlyList<OpenJob>> ReadAllAsync(CancellationToken cancellationToken)
    {
        var all = new List<OpenJob>();
        for (var shard = 0; shard < Shards; shard++)
        {
            var (document, _) = await store.ReadAsync<OpenJobsShard>(Key(shard), cancellationToken);
            Count(shard, document?.Jobs ?? []);
            all.AddRange(document?.Jobs ?? []);
        }

        _counted = true;
        return all;
    }

    /// <summary>The shard of an owner: FNV-1a over UTF-8, because every replica and every version must agree.</summary>
    public static int ShardOf(string owner)
    {
        var hash = 2166136261u;
        foreach (var b in Encoding.UTF8.GetBytes(owner))
        {
            hash = (hash ^ b) * 16777619u;
        }

        return (int)(hash % Shards);
    }

    private async Task<AppendRefusal> ChangeAsync(
        int shard, Func<IReadOnlyList<OpenJob>, (IReadOnlyList<OpenJob>? Jobs, AppendRefusal Answer)> change, CancellationToken cancellationToken)
    {
        await _locks[shard].WaitAsync(cancellationToken);
        try
        {
            for (var attempt = 1; attempt <= _options.MaxAttempts; attempt++)
            {
                var (document, etag) = await store.ReadAsync<OpenJobsShard>(Key(shard), cancellationToken);
                var jobs = document?.Jobs ?? [];
                Count(shard, jobs);
                var (changed, answer) = change(jobs);
                if (changed is null || await TryWriteAsync(shard, document is null, etag, changed, cancellationToken))
                {
                    return answer;
                }

                metrics.Conflict();
                await Task.Delay(_options.RetryPause * (Random.Shared.NextDouble() * attempt), time, cancellationToken);
            }

            throw new TimeoutException($"Shard {shard} of the open-job index was written by others {_options.MaxAttempts} times in a row");
        }
        finally
        {
            _locks[shard].Release();
        }
    }

    private async Task<bool> TryWriteAsync(
        int shard, bool create, string etag, IReadOnlyList<OpenJob> jobs, CancellationToken cancellationToken)
    {
        try
        {
            var document = new OpenJobsShard(jobs);
            if (create)
            {
                await store.CreateAsync(Key(shard), document, TtlOf(jobs), cancellationToken);
            }
            else if (!await store.ReplaceAsync(Key(shard), document, etag, TtlOf(jobs), cancellationToken))
            {
                return false;
            }

            Count(shard, jobs);
            return true;
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // Exists already, or no answer: the next read settles it.
            LogUnsettled(logger, exception, shard);
            return false;
        }
    }

    /// <summary>Longer than any listed job lives: a shard that is gone is a deadline that nobody meets.</summary>
    private TimeSpan TtlOf(IReadOnlyList<OpenJob> jobs) =>
        (jobs.Count == 0 ? TimeSpan.Zero : jobs.Max(job => job.Deadline) - time.GetUtcNow()) switch
        {
            { Ticks: > 0 } left => left + _options.Retention + _options.Retention,
            _ => _options.Retention + _options.Retention,
        };

    private void Count(int shard, IReadOnlyList<OpenJob> jobs) => Volatile.Write(
        ref _counts[shard], jobs.CountBy(job => job.App).ToDictionary(app => app.Key, app => app.Value, StringComparer.Ordinal));

    private int CountOthers(int shard, string app)
    {
        var count = 0;
        for (var other = 0; other < Shards; other++)
        {
            count += other == shard ? 0 : Volatile.Read(ref _counts[other]).GetValueOrDefault(app);
        }

        return count;
    }

    private static string Key(int shard) => $"open:{shard}";

    [LoggerMessage(1110, LogLevel.Warning, "{Count} ended jobs stay in the open-job index until the sweep finds them")]
    private static partial void LogNotRemoved(ILogger logger, Exception exception, int count);

    [LoggerMessage(1111, LogLevel.Debug, "Write to shard {Shard} of the open-job index is unsettled")]
    private static partial void LogUnsettled(ILogger logger, Exception exception, int shard);
}
