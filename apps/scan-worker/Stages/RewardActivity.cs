using Contracts;
using Contracts.Characters;
using Contracts.Scan;
using Dapr.Client;
using Dapr.Workflow;
using Microsoft.Extensions.Options;
using ScanWorker.Rewards;
using ScanWorker.Workflows;
using ServiceDefaults;

namespace ScanWorker.Stages;

/// <summary>
/// Stage 4: the character reward. characters judges from its cache; the fact has one id per job (UUIDv5 of the job
/// id), is published by every run and recorded once by characters and users. A judgement that fails or takes too long costs the reward, never the scan.
/// </summary>
public sealed partial class RewardActivity(
    StageRunner stages, DaprClient dapr, CharactersClient characters, IOptions<ScanWorkerOptions> options, TimeProvider time,
    ILogger<RewardActivity> logger)
    : WorkflowActivity<RewardActivity.Input, RewardResult>
{
    /// <summary>Input.</summary>
    public sealed record Input(StageAttempt Attempt, ScanInput Scan, VisionResult Vision, RuleResult Rule, AnswerResult Answer);

    /// <summary>What is stored: the result and, when a reward is due, the fact exactly as it is published.</summary>
    public sealed record Stored(RewardResult Result, ScanRewarded? Fact);

    public override async Task<RewardResult> RunAsync(WorkflowActivityContext context, Input input)
    {
        var stored = await stages.RunAsync(
            Stage.Reward, input.Attempt, token => JudgeAsync(input, token), PublishAsync, result => result.Result);
        return stored.Result;
    }

    private async Task<Stored> JudgeAsync(Input input, CancellationToken cancellationToken)
    {
        if (RewardRule.Refusal(input.Vision, input.Rule, input.Answer, options.Value.RewardsEnabled) is { } refusal)
        {
            return new Stored(new RewardResult(false, refusal, null), null);
        }

        var classification = input.Vision.Classification;
        CharacterMatched match;
        try
        {
            match = await characters.MatchAsync(
                new MatchCharacter(
                    input.Scan.UserId, classification.MajorCategory, classification.MiddleCategory, classification.MinorCategory,
                    input.Rule.Found, InsufficienciesPresent: false),
                options.Value.MatchTimeout, cancellationToken);
        }
        catch (Exception exception) when (exception is HttpRequestException or TimeoutException && !cancellationToken.IsCancellationRequested)
        {
            LogNoMatch(logger, input.Attempt.JobId, exception.Message);
            return new Stored(new RewardResult(false, "the reward could not be judged", null), null);
        }

        if (!match.Received || match.Character is not { } character)
        {
            return new Stored(new RewardResult(false, match.Reason, null), null);
        }

        var points = options.Value.RewardPoints;
        var fact = new ScanRewarded(
            Uuid5.Create(input.Attempt.JobId, ScanTopics.ScanRewarded), time.GetUtcNow(), input.Attempt.JobId, input.Scan.UserId, character, points);
        return new Stored(
            new RewardResult(true, match.Reason, new Reward(
                character.Code, character.Name, character.Dialog, match.Reason, character.Type, match.AlreadyOwned, points)),
            fact);
    }

    /// <summary>Repeated on every run after the store, so a crash in between loses no reward; receivers know the fact by its id.</summary>
    private async Task PublishAsync(Stored stored, CancellationToken cancellationToken)
    {
        if (stored.Fact is { } fact)
        {
            // (9) docs/architecture.md: the fact of the reward. No outbox: the workflow repeats what did not answer.
            await dapr.PublishEventAsync(
                Components.PubSub, ScanTopics.ScanRewarded, fact,
                new Dictionary<string, string> { ["cloudevent.id"] = fact.Id.ToString() }, cancellationToken);
        }
    }

    [LoggerMessage(1301, LogLevel.Warning, "Job {JobId}: no reward, characters gave no judgement ({Reason})")]
    private static partial void LogNoMatch(ILogger logger, Guid jobId, string reason);
}
