using System.Text.Json.Serialization;
using Contracts.Jobs;
using Dapr.Workflow;
using ScanWorker.Stages;

namespace ScanWorker.Workflows;

/// <summary>What a scan starts from; the instance id is the job id.</summary>
/// <param name="JobId">Job.</param>
/// <param name="UserId">Owner.</param>
/// <param name="ImageKey">Key of the picture in our store.</param>
/// <param name="UserInput">The person's question.</param>
/// <param name="Model">Chosen model, null for the default.</param>
/// <param name="Retries">Of every stage.</param>
/// <param name="Deadline">When event-router ends the job; the log's word, because a repeated request carries a later one.</param>
public sealed record ScanInput(Guid JobId, string UserId, string ImageKey, string UserInput, string? Model, RetryPlan Retries, DateTimeOffset Deadline)
{
    /// <summary>What models are asked.</summary>
    [JsonIgnore]
    public Question Question => new(UserInput, Model, UserId);
}

/// <summary>How often a stage is tried; from options, but part of the input so that a replay sees what the first run saw.</summary>
/// <param name="Count">Retries after the first attempt.</param>
/// <param name="FirstDelay">Doubles per retry.</param>
public sealed record RetryPlan(int Count, TimeSpan FirstDelay);

/// <summary>
/// The four stages of a scan. Every stage is one activity per attempt; whatever happens the job ends with exactly one
/// terminal event: here, in the owning app's dead-letter handler, or by event-router's deadline sweep.
/// </summary>
public sealed partial class ScanWorkflow : Workflow<ScanInput, string>
{
    /// <summary>Output when somebody else wrote the terminal event.</summary>
    private const string Closed = "closed";

    /// <summary>After the deadline the sweep may be late; its event is waited for so long.</summary>
    private static readonly TimeSpan MinBookkeepingTime = TimeSpan.FromMinutes(1);

    public override async Task<string> RunAsync(WorkflowContext context, ScanInput input)
    {
        ScanResult result;
        List<ModelUsage> used = [];
        try
        {
            result = await RunStagesAsync(context, input, used);
        }
        catch (WorkflowTaskFailedException failure) when (IsJobClosed(failure))
        {
            // Cancelled, or past its deadline: somebody else wrote the terminal event.
            return Closed;
        }
        catch (WorkflowTaskFailedException failure)
        {
            result = new ScanResult(
                input.JobId, JobWords.Failed, StageFailure.Tell(failure.FailureDetails), PipelineResult: null, Reward: null, Error: "SCAN_FAILED");
        }

        result = result with { Usage = used.Count > 0 ? ModelUsage.Sum(used) : null };

        // Outside the try: when the log does not take the end, the scan has not failed.
        return await context.CallActivityAsync<bool>(nameof(FinishActivity), result, UntilDeadline(context, input)) ? result.Status : Closed;
    }

    private static async Task<ScanResult> RunStagesAsync(WorkflowContext context, ScanInput input, List<ModelUsage> used)
    {
        var vision = await RunStageAsync<VisionResult>(
            context, input, Stage.Vision, nameof(VisionActivity), attempt => new VisionActivity.Input(attempt, input));
        Note(vision.Meta.Usage);
        var rule = await RunStageAsync<RuleResult>(
            context, input, Stage.Rule, nameof(RuleActivity), attempt => new RuleActivity.Input(attempt, vision.Classification));
        var answer = await RunStageAsync<AnswerResult>(
            context, input, Stage.Answer, nameof(AnswerActivity), attempt => new AnswerActivity.Input(attempt, input, vision, rule));
        Note(answer.Usage);
        var reward = await RunStageAsync<RewardResult>(
            context, input, Stage.Reward, nameof(RewardActivity), attempt => new RewardActivity.Input(attempt, input, vision, rule, answer));
        return new ScanResult(
            input.JobId, JobWords.Completed, "classification completed",
            new PipelineResult(vision, rule.Found ? rule : null, answer), reward.Reward, Error: null);

        void Note(ModelUsage? usage)
        {
            if (usage is not null)
            {
                used.Add(usage);
            }
        }
    }

    private static async Task<T> RunStageAsync<T>(
        WorkflowContext context, ScanInput input, Stage stage, string activity, Func<StageAttempt, object> argument)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                // (7) docs/architecture.md: one activity per attempt.
                return await context.CallActivityAsync<T>(activity, argument(new StageAttempt(input.JobId, attempt)));
            }
            catch (WorkflowTaskFailedException failure) when (!IsJobClosed(failure))
            {
                LogStageFailed(
                    context.CreateReplaySafeLogger<ScanWorkflow>(), input.JobId, stage.Name, attempt,
                    failure.FailureDetails.ErrorType, failure.FailureDetails.ErrorMessage);
                var last = attempt > input.Retries.Count || StageFailure.IsPermanent(failure.FailureDetails.ErrorType);
                await context.CallActivityAsync<bool>(nameof(StageFailedActivity), new StageFailedActivity.Input(
                    input.JobId, stage.Name, attempt, last, StageFailure.Tell(failure.FailureDetails), stage.ProgressBefore), UntilDeadline(context, input));
                if (last)
                {
                    throw;
                }

                await context.CreateTimer(input.Retries.FirstDelay * Math.Pow(2, attempt - 1));
            }
        }
    }

    /// <summary>
    /// Retries of the activities that only write to the log: as long as the job may run, so that no outage of event-router decides how a scan
    /// ends. They are idempotent by their events' keys.
    /// </summary>
    private static WorkflowTaskOptions UntilDeadline(WorkflowContext context, ScanInput input)
    {
        var left = input.Deadline.UtcDateTime - context.CurrentUtcDateTime;
        return new WorkflowTaskOptions(new WorkflowRetryPolicy(
            int.MaxValue, TimeSpan.FromSeconds(1), backoffCoefficient: 2, maxRetryInterval: TimeSpan.FromSeconds(30),
            retryTimeout: left > MinBookkeepingTime ? left : MinBookkeepingTime));
    }

    private static bool IsJobClosed(WorkflowTaskFailedException failure) =>
        failure.FailureDetails.ErrorType == typeof(ServiceDefaults.JobLog.JobClosedException).FullName;

    [LoggerMessage(1306, LogLevel.Warning, "Job {JobId}: attempt {Attempt} at stage {Stage} failed with {ErrorType}: {Reason}")]
    private static partial void LogStageFailed(ILogger logger, Guid jobId, string stage, int attempt, string errorType, string reason);
}
