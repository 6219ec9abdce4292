using Dapr.Workflow;
using Microsoft.Extensions.Options;
using ScanWorker.Answers;
using ScanWorker.Workflows;

namespace ScanWorker.Stages;

/// <summary>Stage 3: the written answer.</summary>
public sealed class AnswerActivity(StageRunner stages, StageGates gates, DisposalAnswer answers, IOptions<ScanWorkerOptions> options)
    : WorkflowActivity<AnswerActivity.Input, AnswerResult>
{
    /// <summary>Input.</summary>
    public sealed record Input(StageAttempt Attempt, ScanInput Scan, VisionResult Vision, RuleResult Rule);

    public override Task<AnswerResult> RunAsync(WorkflowActivityContext context, Input input) => stages.RunAsync(
        Stage.Answer, input.Attempt,
        token => gates.Answers.RunAsync(
            () => answers.ComposeAsync(input.Vision, input.Rule, input.Scan.Question, options.Value.RewardPoints, token), token));
}
