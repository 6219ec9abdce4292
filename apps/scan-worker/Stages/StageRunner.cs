using System.Text.Json;
using Ai;
using Contracts;
using Contracts.Jobs;
using Dapr.Client;
using Imaging;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.JobLog;

namespace ScanWorker.Stages;

/// <summary>A stage's place in the log: its name and the progress before and after it.</summary>
public sealed record Stage(string Name, int ProgressBefore, int ProgressAfter)
{
    public static readonly Stage Vision = new("vision", 0, 25);
    public static readonly Stage Rule = new("rule", 25, 50);
    public static readonly Stage Answer = new("answer", 50, 75);
    public static readonly Stage Reward = new("reward", 75, 100);
}

/// <summary>One attempt at a stage, as the workflow orders it.</summary>
/// <param name="JobId">Job.</param>
/// <param name="Attempt">1-based; from workflow code, so the same on replay.</param>
public sealed record StageAttempt(Guid JobId, int Attempt);

/// <summary>
/// The steps that every stage has in common. Activities run at least once, so a stage
/// 1. says <c>started</c> (known key: changes nothing),
/// 2. takes its stored result when an earlier run left one, else works and stores the result with first-write,
/// 3. says <c>completed</c> with what is stored.
/// A crash between any two steps repeats only what has no durable trace: after a stored result no model is called again.
/// Key of the result: <c>result:{job}:{stage}</c>.
/// </summary>
public sealed class StageRunner(DaprClient dapr, JobLogClient log, IOptions<ScanWorkerOptions> options, TimeProvider time)
{
    /// <summary>
    /// Runs a stage. <paramref name="afterStored"/> runs between 2 and 3 in every run, so it must be idempotent;
    /// <paramref name="shown"/> is the part of the result that clients see, by default all of it.
    /// </summary>
    public async Task<T> RunAsync<T>(
        Stage stage, StageAttempt attempt, Func<CancellationToken, Task<T>> work, Func<T, CancellationToken, Task>? afterStored = null,
        Func<T, object>? shown = null, CancellationToken cancellationToken = default)
        where T : class
    {
        var number = attempt.Attempt == 1 ? "" : $"#{attempt.Attempt}";
        await AppendAsync(attempt.JobId, $"{stage.Name}{number}.started", stage.Name, "started", stage.ProgressBefore, null, null, cancellationToken);

        var key = ResultKey(attempt.JobId, stage);
        var result = await dapr.GetStateAsync<T>(Components.StateStore, key, cancellationToken: cancellationToken);
        if (result is null)
        {
            // (8) docs/architecture.md: stored before anybody hears of it.
            result = await dapr.SaveOnceAsync(
                Components.StateStore, key, await LimitAsync(work, cancellationToken), options.Value.ResultRetention, cancellationToken);
        }

        if (afterStored is not null)
        {
            await afterStored(result, cancellationToken);
        }

        var json = JsonSerializer.SerializeToElement(shown is null ? result : shown(result), TandemJson.Options);
        try
        {
            await AppendAsync(attempt.JobId, $"{stage.Name}.completed", stage.Name, "completed", stage.ProgressAfter, json, null, cancellationToken);
        }
        catch (JobClosedException)
        {
            // Nobody will ask for it, and the job may have been erased before the result was there.
            await dapr.DeleteStateAsync(Components.StateStore, key, cancellationToken: cancellationToken);
            throw;
        }

        return result;
    }

    /// <summary>Key of a stage's result.</summary>
    public static string ResultKey(Guid jobId, Stage stage) => $"result:{jobId}:{stage.Name}";

    /// <summary>Appends one event of the job; throws <see cref="JobClosedException"/> when the job has ended meanwhile.</summary>
    public Task AppendAsync(
        Guid jobId, string key, string stage, string status, int progress, JsonElement? result, string? message, CancellationToken cancellationToken) =>
        log.AppendAsync(
            jobId,
            new AppendJobEvents([new JobEventInput(
                key, stage, status, progress, time.GetUtcNow(), result, message, System.Diagnostics.Activity.Current?.TraceId.ToHexString())]),
            cancellationToken);

    /// <summary>As <see cref="AppendAsync"/>, but false when the job has ended meanwhile.</summary>
    public async Task<bool> TryAppendAsync(
        Guid jobId, string key, string stage, string status, int progress, JsonElement? result, string? message, CancellationToken cancellationToken)
    {
        try
        {
            await AppendAsync(jobId, key, stage, status, progress, result, message, cancellationToken);
            return true;
        }
        catch (JobClosedException)
        {
            return false;
        }
    }

    private async Task<T> LimitAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        using var soft = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        soft.CancelAfter(options.Value.StageSoftLimit);
        try
        {
            return await work(soft.Token).WaitAsync(options.Value.StageHardLimit, time, cancellationToken);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"the stage took longer than {options.Value.StageSoftLimit}", exception);
        }
        catch (ModelException exception) when (!exception.IsTransient)
        {
            throw new PermanentStageException($"{exception.Code}: {exception.Message}", exception);
        }
        catch (ImageFormatException exception)
        {
            throw new PermanentStageException($"IMAGE_UNREADABLE: {exception.Message}", exception);
        }
    }
}
