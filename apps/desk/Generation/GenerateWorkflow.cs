using Contracts.Desk;
using Dapr.Workflow;
using ServiceDefaults.JobLog;

namespace Desk.Generation;

/// <summary>What a task's workflow starts from; retries are part of it so that a replay sees what the first run saw.</summary>
/// <param name="Task">The request.</param>
/// <param name="Retries">Attempts at a step after the first.</param>
/// <param name="FirstDelay">Wait before the first of them; doubles.</param>
public sealed record GenerateInput(DeskRequested Task, int Retries, TimeSpan FirstDelay);

/// <summary>
/// Restyles a desk: download, classify, prompt, draw, upload, then search and locate beside each other. Every step is one activity, checkpointed by the engine and
/// by its stored outcome. Whatever happens the task ends once, and its end is told. Output: the status that was told, or <c>closed</c>.
/// </summary>
public sealed partial class GenerateWorkflow : Workflow<GenerateInput, string>
{
    /// <summary>Longest wait between two attempts at a step.</summary>
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(10);

    /// <summary>Retries of what only needs our own stores: an outage may cost time, never the end of a task.</summary>
    private static readonly WorkflowTaskOptions UntilStored = new(new WorkflowRetryPolicy(
        int.MaxValue, TimeSpan.FromSeconds(1), backoffCoefficient: 2, maxRetryInterval: TimeSpan.FromSeconds(30), retryTimeout: TimeSpan.FromDays(7)));

    public override async Task<string> RunAsync(WorkflowContext context, GenerateInput input)
    {
        var task = input.Task;
        Uri? before = null;
        TaskResult result;
        try
        {
            var photo = await StepAsync<StoredPhoto>(nameof(DownloadActivity), task);
            before = photo.Url;
            if (!task.IsDesk)
            {
                await StepAsync<JudgedPhoto>(nameof(JudgeActivity), new PhotoInput(task, photo));
            }

            var plan = await StepAsync<RestylePlan>(nameof(PlanActivity), new PhotoInput(task, photo));
            var drawn = await StepAsync<DrawnPicture>(nameof(DrawActivity), new DrawActivity.Input(task, photo, plan.Prompt));
            var made = await StepAsync<StoredPicture>(nameof(UploadActivity), task);
            var search = StepAsync<FoundProducts>(nameof(SearchActivity), new SearchActivity.Input(task, [.. plan.Items.Select(item => item.Keyword)]));
            var locate = StepAsync<FoundCentres>(nameof(LocateActivity), new LocateActivity.Input(task, made.Key, plan.Items));
            await Task.WhenAll(search, locate);
            result = new TaskResult(
                task.TaskId, task.RequestId, TaskResult.Success, task.InitialImageUrl, photo.Url, made.Url, plan.Caption, drawn.Model,
                (await search).Products, (await locate).Centres, Error: null, Elapsed(context, task));
        }
        catch (TaskEndedException end)
        {
            result = TaskResult.OfFailure(task, end.Error, Elapsed(context, task), before);
        }
        catch (WorkflowTaskFailedException failure)
        {
            LogFailed(context.CreateReplaySafeLogger<GenerateWorkflow>(), task.TaskId, failure.FailureDetails.ErrorType, failure.FailureDetails.ErrorMessage);
            result = TaskResult.OfFailure(task, Tell(context, task, failure.FailureDetails), Elapsed(context, task), before);
        }

        // Outside the try: when the end cannot be stored just now, the task has not failed.
        return await context.CallActivityAsync<string>(nameof(EndActivity), new EndActivity.Input(task, result), UntilStored);

        async Task<T> StepAsync<T>(string activity, object argument) where T : class
        {
            var left = task.Deadline.UtcDateTime - context.CurrentUtcDateTime;
            if (left <= TimeSpan.Zero)
            {
                throw new TaskEndedException(new DeskError(TaskSteps.DeadlineExceeded, "the task took too long"));
            }

            var delay = input.FirstDelay < MaxDelay ? input.FirstDelay : MaxDelay;
            var options = new WorkflowTaskOptions(new WorkflowRetryPolicy(input.Retries + 1, delay, backoffCoefficient: 2, maxRetryInterval: MaxDelay, retryTimeout: left));
            var outcome = await context.CallActivityAsync<StepOutcome<T>>(activity, argument, options);
            return outcome.Value ?? throw new TaskEndedException(outcome.Error!);
        }
    }

    /// <summary>
    /// What callers are told. Sentences of steps are written for them; any other failure is told by its kind, because its text names hosts and components.
    /// </summary>
    private static DeskError Tell(WorkflowContext context, DeskRequested task, WorkflowTaskFailureDetails failure)
    {
        if (context.CurrentUtcDateTime >= task.Deadline.UtcDateTime)
        {
            return new DeskError(TaskSteps.DeadlineExceeded, "the task took too long");
        }

        return failure.ErrorType == typeof(StepFailedException).FullName && failure.ErrorMessage.Split(": ", 2) is [var code, var message]
            ? new DeskError(code, message)
            : new DeskError("STEP_FAILED", "a part of the platform did not answer");
    }

    private static long Elapsed(WorkflowContext context, DeskRequested task) => (long)(context.CurrentUtcDateTime - task.Ts.UtcDateTime).TotalMilliseconds;

    [LoggerMessage(2211, LogLevel.Warning, "Task {TaskId}: a step failed for good with {ErrorType}: {Reason}")]
    private static partial void LogFailed(ILogger logger, Guid taskId, string errorType, string reason);

    private sealed class TaskEndedException(DeskError error) : Exception(error.Message)
    {
        public DeskError Error { get; } = error;
    }
}
