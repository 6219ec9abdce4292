using System.Text.Json.Serialization;
using ScanWorker.Knowledge;

namespace ScanWorker.Stages;

/// <summary>What a thing is.</summary>
/// <param name="MajorCategory">Major category of the class tree, or 미분류.</param>
/// <param name="MiddleCategory">Verbatim from the tree; the major where there is no middle level.</param>
/// <param name="MinorCategory">Free text, null when not sure.</param>
public sealed record Classification(string MajorCategory, string MiddleCategory, string? MinorCategory = null);

/// <summary>The second-best class.</summary>
public sealed record RunnerUp(string Category, double Confidence);

/// <summary>How a classification came about.</summary>
/// <param name="UserInput">The person's question.</param>
/// <param name="Provider">Who spoke: the name of a configured provider, or local.</param>
/// <param name="Model">Its model.</param>
/// <param name="Confidence">0–1.</param>
/// <param name="RunnerUp">Second-best class.</param>
/// <param name="Unsure">Confidence below the threshold: treat as a guess.</param>
/// <param name="Hints">Further signals, e.g. ImageNet labels with their share.</param>
/// <param name="Question">What the person is asked when unsure.</param>
/// <param name="FallbackReason">Why it was not the model that was asked for: a <see cref="Ai.ModelFailure"/>, e.g. ServerError; null when it was.</param>
/// <param name="Usage">What the answer took.</param>
public sealed record VisionMeta(
    string UserInput, string Provider, string Model, double? Confidence, RunnerUp? RunnerUp, bool Unsure, IReadOnlyList<string> Hints, string? Question,
    string? FallbackReason = null, ModelUsage? Usage = null);

/// <summary>Result of stage vision.</summary>
public sealed record VisionResult(Classification Classification, IReadOnlyList<string> SituationTags, VisionMeta Meta);

/// <summary>Result of stage rule.</summary>
public sealed record RuleResult(bool Found, string? Key, string? Category, DisposalRule? Data);

/// <summary>Result of stage answer.</summary>
/// <param name="DisposalSteps"><c>단계1</c> … in order.</param>
/// <param name="Insufficiencies">What was not done well; empty when nothing was found lacking.</param>
/// <param name="UserAnswer">At most three sentences.</param>
/// <param name="Category">Major category.</param>
/// <param name="Subcategory">Middle category.</param>
/// <param name="Recyclable">Whether it belongs to the recyclables.</param>
/// <param name="RewardPoints">Points that a reward would grant.</param>
/// <param name="Provider">Who spoke.</param>
/// <param name="Model">Its model.</param>
/// <param name="FallbackReason">As in <see cref="VisionMeta"/>.</param>
/// <param name="Usage">What the answer took; null when no model was asked.</param>
public sealed record AnswerResult(
    IReadOnlyDictionary<string, string> DisposalSteps, IReadOnlyList<string> Insufficiencies, string UserAnswer,
    string Category, string Subcategory, bool Recyclable, int RewardPoints, string Provider, string Model, string? FallbackReason = null,
    ModelUsage? Usage = null);

/// <summary>The reward as clients see it.</summary>
public sealed record Reward(string Code, string Name, string Dialog, string MatchReason, string Type, bool AlreadyOwned, int Points);

/// <summary>Result of stage reward.</summary>
public sealed record RewardResult(bool Received, string Reason, Reward? Reward);

/// <summary>The pipeline's outcome in the original shape.</summary>
public sealed record PipelineResult(VisionResult ClassificationResult, RuleResult? DisposalRules, AnswerResult FinalAnswer);

/// <summary>Result of the terminal event.</summary>
/// <param name="TaskId">Job id.</param>
/// <param name="Status">completed or failed.</param>
/// <param name="Message">Sentence.</param>
/// <param name="PipelineResult">Null when failed.</param>
/// <param name="Reward">Null when none.</param>
/// <param name="Error">Stable code of the failure, else null.</param>
/// <param name="Usage">Sum of what the models' answers in the stages took; those that a stage could not use are not in it. Null when none was asked.</param>
public sealed record ScanResult(
    Guid TaskId, string Status, string Message,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] PipelineResult? PipelineResult,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] Reward? Reward,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Error,
    ModelUsage? Usage = null);
