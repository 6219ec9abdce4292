using Dapr.Workflow;
using ScanWorker.Knowledge;

namespace ScanWorker.Stages;

/// <summary>Stage 2: the disposal rule of the classification.</summary>
public sealed class RuleActivity(StageRunner stages, DisposalRules rules) : WorkflowActivity<RuleActivity.Input, RuleResult>
{
    /// <summary>Input.</summary>
    public sealed record Input(StageAttempt Attempt, Classification Classification);

    public override Task<RuleResult> RunAsync(WorkflowActivityContext context, Input input) => stages.RunAsync(
        Stage.Rule, input.Attempt,
        _ =>
        {
            var rule = rules.Find(input.Classification.MajorCategory, input.Classification.MiddleCategory);
            return Task.FromResult(new RuleResult(rule is not null, rule?.Key, rule?.Category, rule));
        });
}
