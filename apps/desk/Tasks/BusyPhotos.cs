using System.Security.Cryptography;
using System.Text;
using Contracts;
using Dapr.Client;
using Desk.Generation;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.JobLog;

namespace Desk.Tasks;

/// <summary>
/// Which photo of a user is being worked on: the document <c>busy:{SHA-256 of user and address}</c>, which lives no longer than a task can. A holder whose job has
/// ended holds nothing, so nobody has to let go.
/// </summary>
public sealed class BusyPhotos(DaprClient dapr, JobLogClient log, IOptions<GenerationOptions> options, TimeProvider time)
{
    /// <summary>Takes the photo for a task. Null when it has it; else the task that is working on it.</summary>
    public async Task<Guid?> TryTakeAsync(string userId, string url, Guid taskId, CancellationToken cancellationToken)
    {
        var holder = await TakeAsync(userId, url, taskId, ended: null, cancellationToken);
        if (holder.TaskId != taskId)
        {
            var job = await log.GetAsync(holder.TaskId, after: long.MaxValue, cancellationToken);
            if (job is { Terminal: not null } || (job is null && holder.At < time.GetUtcNow() - options.Value.AcceptTimeout))
            {
                holder = await TakeAsync(userId, url, taskId, holder.TaskId, cancellationToken);
            }
        }

        return holder.TaskId == taskId ? null : holder.TaskId;
    }

    /// <summary>Lets go of a photo whose task was not accepted.</summary>
    public async Task ReleaseAsync(string userId, string url, Guid taskId, CancellationToken cancellationToken)
    {
        var key = Key(userId, url);
        var (holder, etag) = await dapr.GetStateAndETagAsync<Holder?>(Components.StateStore, key, cancellationToken: cancellationToken);
        if (holder?.TaskId == taskId)
        {
            await dapr.TryDeleteStateAsync(Components.StateStore, key, etag, cancellationToken: cancellationToken);
        }
    }

    private Task<Holder> TakeAsync(string userId, string url, Guid taskId, Guid? ended, CancellationToken cancellationToken) => dapr.UpdateStateAsync<Holder>(
        Components.StateStore, Key(userId, url),
        stored => stored is not null && stored.TaskId != ended ? stored : new Holder(taskId, time.GetUtcNow()),
        options.Value.Deadline + options.Value.DeadlineGrace, cancellationToken);

    private static string Key(string userId, string url) => $"busy:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{userId}\n{url}")))}";

    private sealed record Holder(Guid TaskId, DateTimeOffset At);
}
