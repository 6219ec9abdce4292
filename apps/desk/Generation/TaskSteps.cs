using Ai;
using Contracts;
using Contracts.Desk;
using Contracts.Jobs;
using Dapr.Client;
using Imaging;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.JobLog;

namespace Desk.Generation;

/// <summary>What a step came to: one of the two. A failure that no repetition mends is an outcome, and stored like any other.</summary>
/// <param name="Value">What it made.</param>
/// <param name="Error">Why it made nothing.</param>
public sealed record StepOutcome<T>(T? Value, DeskError? Error = null) where T : class;

/// <summary>A step that failed in a way that no repetition mends.</summary>
public sealed class StepRefusedException(string code, string message, Exception? inner = null) : Exception(message, inner)
{
    public string Code { get; } = code;
}

/// <summary>A step that failed in a way that another attempt may mend. The message begins with the code.</summary>
public sealed class StepFailedException(string code, string message, Exception inner) : Exception($"{code}: {message}", inner);

/// <summary>
/// What all steps have in common. Activities run at least once, so a step
/// 1. says <c>started</c> (known key: changes nothing),
/// 2. takes its stored outcome when an earlier run left one, else works within its time and stores the outcome with first-write,
/// 3. says <c>completed</c>, or <c>failed</c>.
/// A crash between any two of these repeats only what has no durable trace. Key of the outcome: <c>result:{task}:{stage}</c>.
/// </summary>
public sealed partial class TaskSteps(DaprClient dapr, JobLogClient log, IOptions<GenerationOptions> options, TimeProvider time, ILogger<TaskSteps> logger)
{
    /// <summary>The task has ended without us: stopped, swept after its deadline, or erased.</summary>
    public const string Closed = "TASK_CLOSED";

    /// <summary>The task did not end in time.</summary>
    public const string DeadlineExceeded = "DEADLINE_EXCEEDED";

    /// <summary>The model, or its provider's filter, declined.</summary>
    public const string ContentRejected = "CONTENT_REJECTED";

    /// <summary>Runs a step. Throws <see cref="StepFailedException"/>, or what our own stores throw.</summary>
    public async Task<StepOutcome<T>> RunAsync<T>(DeskStep step, DeskRequested task, Func<StepTime, Task<T>> work) where T : class
    {
        var key = Key(task.TaskId, step);
        try
        {
            await AppendAsync(task.TaskId, step.Stage, "started", step.ProgressBefore);
            var outcome = await dapr.GetStateAsync<StepOutcome<T>?>(Components.StateStore, key)
                ?? await dapr.SaveOnceAsync(Components.StateStore, key, await WorkAsync(step, task, work), options.Value.ResultKept);
            await AppendAsync(task.TaskId, step.Stage, outcome.Error is null ? JobWords.Completed : JobWords.Failed, step.ProgressAfter, outcome.Error?.Message);
            return outcome;
        }
        catch (JobClosedException)
        {
            // Nobody will ask for it, and the task may have been erased before the outcome was there.
            await dapr.DeleteStateAsync(Components.StateStore, key);
            return new StepOutcome<T>(null, new DeskError(Closed, "the task has ended"));
        }
    }

    /// <summary>Key of a step's outcome.</summary>
    public static string Key(Guid taskId, DeskStep step) => $"result:{taskId}:{step.Stage}";

    private Task AppendAsync(Guid taskId, string stage, string status, int progress, string? message = null) => log.AppendAsync(
        taskId,
        new AppendJobEvents([new JobEventInput(
            $"{stage}.{status}", stage, status, progress, time.GetUtcNow(), null, message, System.Diagnostics.Activity.Current?.TraceId.ToHexString())]),
        CancellationToken.None);

    private async Task<StepOutcome<T>> WorkAsync<T>(DeskStep step, DeskRequested task, Func<StepTime, Task<T>> work) where T : class
    {
        var left = task.Deadline - time.GetUtcNow();
        if (left <= TimeSpan.Zero)
        {
            return new StepOutcome<T>(null, new DeskError(DeadlineExceeded, "the task took too long"));
        }

        var timeout = step.Timeout(options.Value);
        using var limit = new StepTime(step, timeout, left, time);
        try
        {
            return new StepOutcome<T>(await work(limit).WaitAsync(limit.Token));
        }
        catch (StepRefusedException refused)
        {
            return Refused(refused.Code, refused.Message);
        }
        catch (ImageFormatException unreadable)
        {
            return unreadable is ImageTooLargeException ? Refused("IMAGE_TOO_LARGE", unreadable.Message) : Refused("IMAGE_UNREADABLE", unreadable.Message);
        }
        catch (ModelException failure) when (!failure.IsTransient)
        {
            return failure.Failure is ModelFailure.Refused or ModelFailure.Moderated
                ? Refused(ContentRejected, "the model declined to draw this") : Refused(failure.Code, failure.Message);
        }
        catch (ModelException failure)
        {
            throw new StepFailedException(failure.Code, failure.Message, failure);
        }
        catch (OperationCanceledException late) when (limit.Token.IsCancellationRequested)
        {
            throw new StepFailedException("STEP_TIMEOUT", $"step {step.Stage} took longer than {timeout}", late);
        }

        StepOutcome<T> Refused(string code, string message)
        {
            LogRefused(logger, task.TaskId, step.Stage, code);
            return new StepOutcome<T>(null, new DeskError(code, message));
        }
    }

    [LoggerMessage(2210, LogLevel.Information, "Task {TaskId}: step {Step} ends it: {Code}")]
    private static partial void LogRefused(ILogger logger, Guid taskId, string step, string code);
}
