using System.Text.Json;
using System.Text.Json.Serialization;
using Contracts;
using Contracts.Desk;
using Contracts.Jobs;
using Dapr.Client;
using Dapr.Workflow;
using Desk.Callbacks;
using Desk.Products;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.JobLog;

namespace Desk.Generation;

/// <summary>
/// Ends a task. Order: the terminal event, which decides how it ended, whoever writes it; then the event for the platform, the output binding, the callback. Every
/// part is idempotent by the task, so whoever was broken off begins again.
/// </summary>
public sealed partial class TaskEnding(
    JobLogClient log, DaprClient dapr, CallbackSender callbacks, IOptions<GenerationOptions> options, TimeProvider time, ILogger<TaskEnding> logger)
{
    /// <summary>Type of the callback.</summary>
    public const string CallbackType = "desk.completed";

    /// <summary>What is answered for a task that was erased or stopped: nobody is told.</summary>
    public const string Closed = "closed";

    /// <summary>The JSON of a callback. What there is not is null and not left out: the original receivers read every member.</summary>
    public sealed record Told<T>(
        string RequestId, Guid TaskId, string Status, string InitialImageUrl,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] Uri? ProcessedImageUrl,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] IReadOnlyList<T>? Products,
        DeskError? Error, long ElapsedMs, int CoordSpace);

    /// <summary>The entry of the original service's stream.</summary>
    public sealed record StreamEntry(
        string InitialImageUrl,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] Uri? ProcessedImageUrl,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Products);

    /// <summary>Ends it; returns the status that was told, or <see cref="Closed"/>.</summary>
    public async Task<string> EndAsync(DeskRequested task, TaskResult result, CancellationToken cancellationToken)
    {
        if (await SettleAsync(task, result, cancellationToken) is not var (end, at))
        {
            return Closed;
        }

        var told = new DeskCompleted(
            Uuid5.Create(task.TaskId, DeskTopics.DeskCompleted), at, task.TaskId, task.RequestId, task.UserId, end.Status, task.InitialImageUrl,
            end.ProcessedImageUrl?.ToString(), end.FlatProducts(), end.Error, end.ElapsedMs, options.Value.Side);
        // For whoever listens: that nobody does is no failure.
        await dapr.PublishEventAsync(
            Components.PubSub, DeskTopics.DeskCompleted, told,
            new Dictionary<string, string> { ["cloudevent.id"] = $"{told.Id}", ["mandatory"] = "false" }, cancellationToken);
        await HandOverAsync(task, end, cancellationToken);
        if (task.CallbackUrl is { } receiver)
        {
            await CallBackAsync(task, end, receiver, at, cancellationToken);
        }

        await dapr.DeleteStateAsync(Components.StateStore, DrawnFile.Key(task.TaskId), cancellationToken: cancellationToken);
        LogEnded(logger, task.TaskId, end.Status, end.Error?.Code, end.ElapsedMs);
        return end.Status;
    }

    /// <summary>
    /// Writes the terminal event unless there is one, and returns what the log then says: whoever tells it, and however often, tells the same. Null when the task was
    /// erased or stopped.
    /// </summary>
    private async Task<(TaskResult End, DateTimeOffset At)?> SettleAsync(DeskRequested task, TaskResult result, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var status = result.Status == TaskResult.Success ? JobWords.Completed : JobWords.Failed;
        var message = result.Error?.Message ?? "the desk is ready";
        var trace = System.Diagnostics.Activity.Current?.TraceId.ToHexString();
        var before = 0L;
        try
        {
            var appended = await log.AppendAsync(
                task.TaskId,
                new AppendJobEvents(
                [
                    new JobEventInput("notifying.started", "notifying", "started", 95, now, TraceId: trace),
                    new JobEventInput($"{JobWords.Done}.{status}", JobWords.Done, status, 100, now, JsonSerializer.SerializeToElement(result, TandemJson.Options), message, trace),
                ]),
                cancellationToken);
            before = appended.Seq - 1;
        }
        catch (JobClosedException)
        {
            // Somebody else has ended it.
        }

        if (await log.GetAsync(task.TaskId, before, cancellationToken) is not { Terminal: JobWords.Completed or JobWords.Failed, Entries: [.., var last] })
        {
            return null;
        }

        return (TaskResult.Of(last) ?? TaskResult.OfFailure(
            task, new DeskError(TaskSteps.DeadlineExceeded, "the task took too long"), (long)(last.Ts - task.Ts).TotalMilliseconds, result.BeforeImageUrl), last.Ts);
    }

    private async Task HandOverAsync(DeskRequested task, TaskResult end, CancellationToken cancellationToken)
    {
        if (options.Value.OutputBinding is not { Length: > 0 } binding)
        {
            return;
        }

        var products = end.FlatProducts() is { } flat ? JsonSerializer.Serialize(flat, TandemJson.Options) : null;
        var metadata = options.Value.OutputMetadata.ToDictionary(
            entry => entry.Key,
            entry => entry.Value.Replace("{task_id}", $"{task.TaskId}", StringComparison.Ordinal).Replace("{request_id}", task.RequestId, StringComparison.Ordinal));
        await dapr.InvokeBindingAsync(binding, "create", new StreamEntry(task.InitialImageUrl, end.ProcessedImageUrl, products), metadata, cancellationToken);
    }

    private Task CallBackAsync(DeskRequested task, TaskResult end, string receiver, DateTimeOffset at, CancellationToken cancellationToken)
    {
        var id = Uuid5.Create(task.TaskId, CallbackType);
        return task.ProductsFormat == ProductsFormats.Grouped
            ? callbacks.SendAsync(id, CallbackType, receiver, task.UserId, at, Body(end.GroupedProducts()), cancellationToken)
            : callbacks.SendAsync(id, CallbackType, receiver, task.UserId, at, Body(end.FlatProducts()), cancellationToken);

        Told<T> Body<T>(IReadOnlyList<T>? products) => new(
            task.RequestId, task.TaskId, end.Status, task.InitialImageUrl, end.ProcessedImageUrl, products, end.Error, end.ElapsedMs, options.Value.Side);
    }

    [LoggerMessage(2213, LogLevel.Information, "Task {TaskId}: {Status} {Code} after {ElapsedMs} ms")]
    private static partial void LogEnded(ILogger logger, Guid taskId, string status, string? code, long elapsedMs);
}

/// <summary>How products are told.</summary>
public static class ProductsFormats
{
    /// <summary>One list, each with its centre.</summary>
    public const string Flat = "flat";

    /// <summary>By keyword.</summary>
    public const string Grouped = "grouped";
}

/// <summary>The last step: see <see cref="TaskEnding"/>.</summary>
public sealed class EndActivity(TaskEnding ending) : WorkflowActivity<EndActivity.Input, string>
{
    /// <summary>Input.</summary>
    public sealed record Input(DeskRequested Task, TaskResult Result);

    public override Task<string> RunAsync(WorkflowActivityContext context, Input input) => ending.EndAsync(input.Task, input.Result, CancellationToken.None);
}
