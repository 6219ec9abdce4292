using Dapr.Workflow;
using ScanWorker.Stages;

namespace ScanWorker.Workflows;

/// <summary>What a scan starts from; the instance id is the job id.</summary>
public sealed record ScanInput(Guid JobId, string UserId, string ImageKey, string UserInput, string? Model, RetryPlan Retries);

/// <summary>How often a stage is tried; from options, but part of the input so that a replay sees what the first run saw.</summary>
/// <param name="Count">Retries after the first attempt.</param>
/// <param name="FirstDelay">Doubles per retry.</param>
public sealed record RetryPlan(int Count, TimeSpan FirstDelay);

/// <summary>
/// The four stages of a scan. Every stage is one activity per attempt; whatever happens the job ends with exactly one
/// terminal event: here, in the owning app's dead-letter handler, or by event-router's deadline sweep.
/// </summary>
public sealed class ScanWorkflow : Workflow<ScanInput, string>
{
    public override async Task<string> RunAsync(WorkflowContext context, ScanInput input)
    {
        try
        {
            var vision = await RunStageAsync<VisionResult>(
                context, input, Stage.Vision, nameof(VisionActivity), attempt => new VisionActivity.Input(attempt, input));
            var rule = await RunStageAsync<RuleResult>(
                context, input, Stage.Rule, nameof(RuleActivity), attempt => new RuleActivity.Input(attempt, vision.Classification));
            var answer = await RunStageAsync<AnswerResult>(
                context, input, Stage.Answer, nameof(AnswerActivity), attempt => new AnswerActivity.Input(attempt, input, vision, rule));
            var reward = await RunStageAsync<RewardResult>(
                context, input, Stage.Reward, nameof(RewardActivity), attempt => new RewardActivity.Input(attempt, input, vision, rule, answer));

            await context.CallActivityAsync<bool>(nameof(FinishActivity), new ScanResult(
                input.JobId, "completed", "classification completed",
                new PipelineResult(vision, rule.Found ? rule : null, answer), reward.Reward, Error: null));
            return "completed";
        }
        catch (WorkflowTaskFailedException failure) when (IsJobClosed(failure))
        {
            // Cancelled, or past its deadline: somebody else wrote the terminal event.
            return "closed";
        }
        catch (WorkflowTaskFailedException failure)
        {
            return await FailAsync(context, input, failure.FailureDetails.ErrorMessage);
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
                var last = attempt > input.Retries.Count || StageFailure.IsPermanent(failure.FailureDetails.ErrorType);
                await context.CallActivityAsync<bool>(nameof(StageFailedActivity), new StageFailedActivity.Input(
                    input.JobId, stage.Name, attempt, last, failure.FailureDetails.ErrorMessage, stage.ProgressBefore));
                if (last)
                {
                    throw;
                }

                await context.CreateTimer(input.Retries.FirstDelay * Math.Pow(2, attempt - 1));
            }
        }
    }

    private static async Task<string> FailAsync(WorkflowContext context, ScanInput input, string reason)
    {
        try
        {
            await context.CallActivityAsync<bool>(nameof(FinishActivity), new ScanResult(
                input.JobId, "failed", reason, PipelineResult: null, Reward: null, Error: "SCAN_FAILED"));
        }
        catch (WorkflowTaskFailedException failure) when (IsJobClosed(failure))
        {
            return "closed";
        }

        return "failed";
    }

    private static bool IsJobClosed(WorkflowTaskFailedException failure) =>
        failure.FailureDetails.ErrorType == typeof(ServiceDefaults.JobLog.JobClosedException).FullName;
}
