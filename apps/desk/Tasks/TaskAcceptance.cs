using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using Contracts;
using Contracts.Desk;
using Contracts.Jobs;
using Dapr;
using Dapr.Client;
using Desk.Callbacks;
using Desk.Generation;
using Desk.Photos;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.JobLog;

namespace Desk.Tasks;

/// <summary>What somebody wants to be drawn.</summary>
/// <param name="UserId">Who.</param>
/// <param name="Url">Where the photo is.</param>
/// <param name="Concept">See <see cref="Concepts"/>.</param>
/// <param name="Categories">Kinds of products, in the caller's words.</param>
/// <param name="CallbackUrl">Who is told; null for whom the configuration names, if anybody.</param>
/// <param name="ProductsFormat">See <see cref="ProductsFormats"/>.</param>
/// <param name="RequestId">The caller's name for it, which the result is told under; null for the task's id.</param>
/// <param name="Key">What makes a repetition the same task; null when it cannot be repeated.</param>
/// <param name="Version">Version of the API.</param>
/// <param name="IsDesk">Whether somebody has looked.</param>
public sealed record TaskOrder(
    string UserId, string Url, string Concept, IReadOnlyList<string> Categories, string? CallbackUrl, string ProductsFormat, string? RequestId, string? Key, int Version,
    bool IsDesk);

/// <summary>Why a task was not accepted.</summary>
public sealed record TaskRefusal(int Status, string Code, string Detail, TimeSpan? RetryAfter = null)
{
    /// <summary>As an answer.</summary>
    public ProblemHttpResult ToProblem(HttpResponse http)
    {
        if (RetryAfter is { } wait)
        {
            http.Headers.RetryAfter = ((long)Math.Ceiling(wait.TotalSeconds)).ToString("D");
        }

        return Problems.Of(Status, Code, Detail);
    }
}

/// <summary>
/// Accepts a task; when it returns one, the task runs and ends, whatever dies. Order: the user's list (which is the quota), the photo, the job's first event, the
/// message. A caller who got no answer repeats under the same key and finds the same task, and the message is published again: its workflow is known by the task.
/// Idempotent by UUIDv5 of user, version and key.
/// </summary>
public sealed partial class TaskAcceptance(
    PhotoSource photos, CallbackSender callbacks, UserTasks tasks, BusyPhotos busy, JobLogClient log, DaprClient dapr, IOptions<GenerationOptions> options,
    TimeProvider time, ILogger<TaskAcceptance> logger)
{
    private static readonly Guid Ids = new("0a0d7f7e-9a1b-5d57-8a53-1f2e6c0b9d41");

    /// <summary>The task's id, or why there is none.</summary>
    public async Task<(Guid TaskId, TaskRefusal? Refusal)> AcceptAsync(TaskOrder order, CancellationToken cancellationToken)
    {
        if (photos.Refusal(order.Url) is { } refused)
        {
            return (default, new TaskRefusal(refused.Status, refused.Code, refused.Detail));
        }

        var receiver = order.CallbackUrl ?? options.Value.ResultUrl;
        if (receiver is not null && callbacks.Refusal(receiver) is { } forbidden)
        {
            return (default, new TaskRefusal(400, "CALLBACK_URL_REFUSED", $"callback_url is not sent to: {forbidden.Detail}"));
        }

        var now = time.GetUtcNow();
        var taskId = order.Key is null ? Guid.CreateVersion7(now) : Uuid5.Create(Ids, $"{order.UserId}\nv{order.Version}\n{order.Key}");
        // A repetition is not counted again, and what it wanted may have ended long ago.
        var isKnown = order.Key is not null && (await log.GetStatesAsync([taskId], cancellationToken)).Count > 0;
        if (!isKnown && await ReserveAsync(order, taskId, cancellationToken) is { } refusal)
        {
            return (default, refusal);
        }

        // From here on a caller who leaves changes nothing.
        return await BeginAsync(order, taskId, receiver, now);
    }

    private async Task<TaskRefusal?> ReserveAsync(TaskOrder order, Guid taskId, CancellationToken cancellationToken)
    {
        if (await tasks.TryAddAsync(order.UserId, taskId, cancellationToken) is { } quota)
        {
            return quota.Wait is { } wait
                ? new TaskRefusal(429, "QUOTA_ALREADY_USED", $"there are {options.Value.TasksPerDay} tasks per day; the next day begins at midnight in Korea", wait)
                : new TaskRefusal(404, "USER_NOT_FOUND", "there is no such account (any more)");
        }

        if (await busy.TryTakeAsync(order.UserId, order.Url, taskId, cancellationToken) is { } other)
        {
            await GiveBackAsync(order, taskId);
            return new TaskRefusal(409, "TASK_IN_PROGRESS", $"task {other} is working on this photo");
        }

        return null;
    }

    /// <summary>Undoes what was reserved for a task that is not accepted. Where another request under its key was, it stays: that one's task goes on.</summary>
    private async Task GiveBackAsync(TaskOrder order, Guid taskId)
    {
        if ((await log.GetStatesAsync([taskId], CancellationToken.None)).Count == 0)
        {
            await tasks.RemoveAsync(order.UserId, taskId, CancellationToken.None);
            await busy.ReleaseAsync(order.UserId, order.Url, taskId, CancellationToken.None);
        }
    }

    private async Task<(Guid TaskId, TaskRefusal? Refusal)> BeginAsync(TaskOrder order, Guid taskId, string? receiver, DateTimeOffset now)
    {
        var settings = options.Value;
        var deadline = now + settings.Deadline;
        try
        {
            var created = await log.AppendAsync(
                taskId,
                new AppendJobEvents(
                    [new JobEventInput("queued.started", "queued", "started", 0, now, TraceId: Activity.Current?.TraceId.ToHexString())],
                    new JobCreation(
                        order.UserId, Apps.Desk, deadline + settings.DeadlineGrace, order.Key is null ? null : HashOf(order), settings.MaxOpenTasksPerUser,
                        settings.MaxOpenTasks)),
                CancellationToken.None);
            LogAccepted(logger, taskId, created.Created);
        }
        catch (JobRefusedException refused)
        {
            await GiveBackAsync(order, taskId);
            return (default, new TaskRefusal(refused.Status, refused.Code, refused.Message, refused.RetryAfter));
        }
        catch (JobClosedException)
        {
            // A repetition of what was erased.
            return (default, new TaskRefusal(404, "USER_NOT_FOUND", "there is no such account (any more)"));
        }

        var message = new DeskRequested(
            Uuid5.Create(taskId, DeskTopics.DeskRequested), now, taskId, order.RequestId ?? $"{taskId}", order.UserId, order.Url, order.Concept, order.Categories, receiver,
            order.ProductsFormat, order.Version, order.IsDesk, deadline);
        try
        {
            await dapr.PublishEventAsync(
                Components.PubSub, DeskTopics.DeskRequested, message, new Dictionary<string, string> { ["cloudevent.id"] = $"{message.Id}" }, CancellationToken.None);
        }
        catch (DaprException) when (order.Key is null)
        {
            // Nobody can repeat it, so it must not hold the photo and the user's place until its deadline.
            await EndAsync(message);
            throw;
        }

        return (taskId, null);
    }

    /// <summary>Ends a task that never began. Best effort: event-router ends it at its deadline otherwise.</summary>
    private async Task EndAsync(DeskRequested task)
    {
        var result = TaskResult.OfFailure(task, new DeskError("TASK_NOT_STARTED", "the task could not be started"), elapsedMs: 0);
        try
        {
            await log.AppendAsync(
                task.TaskId,
                new AppendJobEvents([new JobEventInput(
                    "done.failed", JobWords.Done, JobWords.Failed, 100, time.GetUtcNow(), JsonSerializer.SerializeToElement(result, TandemJson.Options), result.Error!.Message)]),
                CancellationToken.None);
        }
        catch (Exception exception) when (exception is HttpRequestException or JobRefusedException or JobClosedException)
        {
            LogNotEnded(logger, task.TaskId, exception.Message);
        }
    }

    /// <summary>A key is bound to what was requested, not to its spelling.</summary>
    private static string HashOf(TaskOrder order) =>
        Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(order with { IsDesk = false }, TandemJson.Options)));

    [LoggerMessage(2214, LogLevel.Information, "Task {TaskId} accepted (new: {IsNew})")]
    private static partial void LogAccepted(ILogger logger, Guid taskId, bool isNew);

    [LoggerMessage(2215, LogLevel.Error, "Task {TaskId} could neither be published nor ended ({Reason}); it stays open until its deadline")]
    private static partial void LogNotEnded(ILogger logger, Guid taskId, string reason);
}
