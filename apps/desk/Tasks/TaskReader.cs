using System.Text.Json;
using Contracts;
using Contracts.Desk;
using Contracts.Jobs;
using Desk.Generation;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.JobLog;

namespace Desk.Tasks;

/// <summary>Where a task is.</summary>
/// <param name="TaskId">Task.</param>
/// <param name="Status">queued, classifying, prompting, generating, uploading, searching, notifying, done, failed or rejected.</param>
/// <param name="Progress">0 to 100.</param>
/// <param name="StepTimes">Milliseconds of the steps that have ended.</param>
/// <param name="Error">Why it failed, or was rejected.</param>
/// <param name="Result">What came of it.</param>
public sealed record TaskView(
    Guid TaskId, string Status, int Progress, IReadOnlyDictionary<string, long> StepTimes, DeskError? Error = null, TaskAnswer? Result = null);

/// <summary>What came of a task.</summary>
/// <param name="InitialImageUrl">Where the photo is.</param>
/// <param name="ProcessedImageUrl">Where the made picture is.</param>
/// <param name="Products">By keyword: <c>[{keyword, details: […]}]</c>; with <c>products_format=flat</c> one list, each with its centre.</param>
/// <param name="BeforeImageUrl">Our copy of the photo, in the same square as the made picture.</param>
/// <param name="Caption">What the photo shows.</param>
/// <param name="ImageModel">Who drew; <c>local</c> composes a picture around the photo and draws nothing.</param>
/// <param name="CoordSpace">Side of the square that centres are told in, pixels.</param>
public sealed record TaskAnswer(
    string InitialImageUrl, Uri ProcessedImageUrl, JsonElement Products, Uri BeforeImageUrl, string Caption, string ImageModel, int CoordSpace);

/// <summary>Words of the task states.</summary>
public static class TaskWords
{
    /// <summary>The picture is there.</summary>
    public const string Done = "done";

    /// <summary>It is not, and will not be.</summary>
    public const string Failed = "failed";

    /// <summary>The photo shows no desk.</summary>
    public const string Rejected = "rejected";

    /// <summary>The state that a step's stage is told as.</summary>
    public static string OfStage(string stage) =>
        stage == DeskStep.Download.Stage ? DeskStep.Classify.Stage : stage == DeskStep.Locate.Stage ? DeskStep.Search.Stage : stage;
}

/// <summary>Reads tasks from the logs of their jobs.</summary>
public sealed class TaskReader(JobLogClient log, IOptions<GenerationOptions> options, TimeProvider time)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(1);

    /// <summary>The task, if it is the user's.</summary>
    public async Task<TaskView?> FindAsync(Guid taskId, string userId, string format, CancellationToken cancellationToken) =>
        await log.GetAsync(taskId, after: 0, cancellationToken) is { App: Apps.Desk } job && job.Owner == userId ? View(job, format) : null;

    /// <summary>Waits for the end of a task; null when it takes longer than one may wait.</summary>
    public async Task<TaskView?> WaitAsync(Guid taskId, CancellationToken cancellationToken)
    {
        var until = time.GetUtcNow() + options.Value.MaxWait;
        for (var pause = FirstPause; time.GetUtcNow() < until; pause = pause * 2 < MaxPause ? pause * 2 : MaxPause)
        {
            if (await log.GetAsync(taskId, after: long.MaxValue, cancellationToken) is not { Terminal: null })
            {
                return await log.GetAsync(taskId, after: 0, cancellationToken) is { } job ? View(job, ProductsFormats.Grouped) : null;
            }

            await Task.Delay(pause, time, cancellationToken);
        }

        return null;
    }

    private TaskView View(JobView job, string format)
    {
        var last = job.Entries[^1];
        var times = StepTimes(job.Entries);
        if (job.Terminal is null)
        {
            return new TaskView(job.JobId, TaskWords.OfStage(last.Stage), last.Progress, times);
        }

        var result = TaskResult.Of(last);
        if (job.Terminal == JobWords.Completed && result is { ProcessedImageUrl: { } made, BeforeImageUrl: { } before })
        {
            var products = format == ProductsFormats.Flat
                ? JsonSerializer.SerializeToElement(result.FlatProducts(), TandemJson.Options) : JsonSerializer.SerializeToElement(result.GroupedProducts(), TandemJson.Options);
            var answer = new TaskAnswer(
                result.InitialImageUrl, made, products, before, result.Caption ?? "", result.ImageModel ?? "", options.Value.Side);
            return new TaskView(job.JobId, TaskWords.Done, 100, times, Result: answer);
        }

        var error = result?.Error ?? (job.Terminal == JobWords.Cancelled
            ? new DeskError("CANCELLED", "the task was stopped") : new DeskError(TaskSteps.DeadlineExceeded, last.Message ?? "the task took too long"));
        return new TaskView(job.JobId, error.Code == JudgeActivity.NotADesk ? TaskWords.Rejected : TaskWords.Failed, 100, times, error);
    }

    private static Dictionary<string, long> StepTimes(IReadOnlyList<JobEvent> entries)
    {
        var started = entries.Where(entry => entry.Status == "started").DistinctBy(entry => entry.Stage).ToDictionary(entry => entry.Stage, entry => entry.Ts);
        return entries
            .Where(entry => entry.Stage != JobWords.Done && entry.Status is JobWords.Completed or JobWords.Failed && started.ContainsKey(entry.Stage))
            .DistinctBy(entry => entry.Stage).ToDictionary(entry => entry.Stage, entry => (long)(entry.Ts - started[entry.Stage]).TotalMilliseconds);
    }
}
