using Contracts;
using Contracts.Jobs;
using Dapr.Client;
using Desk.Generation;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.JobLog;

namespace Desk.Tasks;

/// <summary>A task and when it was accepted.</summary>
public sealed record ListedTask(Guid TaskId, DateTimeOffset At);

/// <summary>The document <c>tasks:{user}</c>.</summary>
/// <param name="Tasks">The user's tasks, newest first.</param>
/// <param name="ErasedAt">When the person deleted the account: nothing is added from then on.</param>
public sealed record TaskList(IReadOnlyList<ListedTask> Tasks, DateTimeOffset? ErasedAt = null)
{
    /// <summary>Nothing yet.</summary>
    public static readonly TaskList Empty = new([]);
}

/// <summary>
/// The tasks of each user, one document per user: what the quota of a day and an erasure go by. The tasks themselves are jobs of event-router. Adding a known task
/// changes nothing.
/// </summary>
public sealed class UserTasks(DaprClient dapr, JobLogClient log, IOptions<GenerationOptions> options, TimeProvider time)
{
    /// <summary>Tasks that are listed; only older ones than a day go, so the quota stays exact.</summary>
    private const int MaxListed = 1000;

    /// <summary>
    /// Lists a task, unless the user has had as many today as there may be. Null when it is listed; the time until the next day, or none at all when the person has
    /// deleted the account. Tasks that failed or were never accepted do not count.
    /// </summary>
    public async Task<QuotaRefusal?> TryAddAsync(string userId, Guid taskId, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var free = new HashSet<Guid>();
        var list = await AddAsync(userId, taskId, now, free, cancellationToken);
        if (list.ErasedAt is null && !Has(list, taskId))
        {
            // Only now is it worth asking how the others have ended.
            ListedTask[] today = [.. list.Tasks.Where(task => KoreanDay.Of(task.At) == KoreanDay.Of(now))];
            foreach (var some in today.Chunk(100))
            {
                var jobs = await log.GetStatesAsync([.. some.Select(task => task.TaskId)], cancellationToken);
                free.UnionWith(some.Where(task => jobs.TryGetValue(task.TaskId, out var job)
                    ? job.Terminal is JobWords.Failed or JobWords.Cancelled : task.At < now - options.Value.AcceptTimeout).Select(task => task.TaskId));
            }

            list = await AddAsync(userId, taskId, now, free, cancellationToken);
        }

        return list.ErasedAt is not null ? new QuotaRefusal(null) : Has(list, taskId) ? null : new QuotaRefusal(KoreanDay.Left(now));
    }

    /// <summary>Takes a task off that was not accepted.</summary>
    public Task RemoveAsync(string userId, Guid taskId, CancellationToken cancellationToken) => UpdateAsync(
        userId, list => Has(list, taskId) ? list with { Tasks = [.. list.Tasks.Where(task => task.TaskId != taskId)] } : list, options.Value.TasksKept, cancellationToken);

    /// <summary>From now on nothing is added. Returns the tasks to erase.</summary>
    public async Task<IReadOnlyList<Guid>> BeginErasureAsync(string userId, DateTimeOffset at, TimeSpan kept, CancellationToken cancellationToken) =>
        [.. (await UpdateAsync(userId, list => list.ErasedAt is not null ? list : list with { ErasedAt = at }, kept, cancellationToken)).Tasks.Select(task => task.TaskId)];

    /// <summary>All tasks are erased: what stays is the mark.</summary>
    public Task EndErasureAsync(string userId, TimeSpan kept, CancellationToken cancellationToken) =>
        UpdateAsync(userId, list => list.Tasks.Count == 0 ? list : list with { Tasks = [] }, kept, cancellationToken);

    private Task<TaskList> AddAsync(string userId, Guid taskId, DateTimeOffset now, HashSet<Guid> free, CancellationToken cancellationToken) => UpdateAsync(
        userId,
        list =>
        {
            var today = list.Tasks.Count(task => KoreanDay.Of(task.At) == KoreanDay.Of(now) && !free.Contains(task.TaskId));
            if (list.ErasedAt is not null || Has(list, taskId) || today >= options.Value.TasksPerDay)
            {
                return list;
            }

            var forgotten = now - options.Value.TasksKept;
            return list with
            {
                Tasks = [new ListedTask(taskId, now), .. list.Tasks.Where((task, place) => task.At > forgotten && (place < MaxListed - 1 || KoreanDay.Of(task.At) == KoreanDay.Of(now)))],
            };
        },
        options.Value.TasksKept, cancellationToken);

    private Task<TaskList> UpdateAsync(string userId, Func<TaskList, TaskList> change, TimeSpan kept, CancellationToken cancellationToken) =>
        dapr.UpdateStateAsync<TaskList>(Components.StateStore, $"tasks:{userId}", stored => change(stored ?? TaskList.Empty), kept, cancellationToken);

    private static bool Has(TaskList list, Guid taskId) => list.Tasks.Any(task => task.TaskId == taskId);
}

/// <summary>Why a task was not listed.</summary>
/// <param name="Wait">Time until the next day; null when the account is deleted.</param>
public sealed record QuotaRefusal(TimeSpan? Wait);
