using ScanWorker.Knowledge;
using ScanWorker.Stages;

namespace ScanWorker.Rewards;

/// <summary>When a scan is worth a reward: only a perfect sorting of a recyclable that was recognised with certainty.</summary>
public static class RewardRule
{
    /// <summary>Null when a reward is due, else why not.</summary>
    public static string? Refusal(VisionResult vision, RuleResult rule, AnswerResult answer, bool enabled) =>
        !enabled ? "rewards are switched off"
        : vision.Classification.MajorCategory != Taxonomy.Recyclables ? "not a recyclable"
        : string.IsNullOrEmpty(vision.Classification.MiddleCategory) ? "no middle category"
        : vision.Meta.Unsure ? "the picture was not recognised with certainty"
        : !rule.Found ? "no disposal rule"
        : answer.Insufficiencies.Any(text => !string.IsNullOrWhiteSpace(text)) ? "something was not done well"
        : null;
}
