using System.Text.Json;
using Ai;
using Ai.Calls;
using Ai.Catalogue;
using Ai.Local.Text;
using Ai.Prompts;
using Microsoft.Extensions.AI;
using ScanWorker.Knowledge;
using ScanWorker.Stages;
using ScanWorker.Vision;
using ServiceDefaults;

namespace ScanWorker.Answers;

/// <summary>Asks a model for the answer to the person, from the rule that was found.</summary>
public sealed class DisposalAnswer
{
    /// <summary>Task name, see <see cref="CallScope.Task"/>.</summary>
    public const string Task = "disposal-answer";

    /// <summary>The prompts.</summary>
    public static readonly PromptUse SystemPrompt = new("answer.system", "classification", "situation_tags", "disposal_rules");

    /// <inheritdoc cref="SystemPrompt"/>
    public static readonly PromptUse UserPrompt = new("answer.user", WasteVision.UserInput);

    /// <summary>Provider and model of an answer that no model gave.</summary>
    private const string Fixed = "fixed";

    private const int MaxSteps = 10;

    /// <summary>What a model must be able to do for it.</summary>
    public const ModelCapabilities Needs = ModelCapabilities.Chat | ModelCapabilities.JsonSchema;

    private static readonly JsonElement Schema = JsonDocument.Parse("""
        {"type":"object","additionalProperties":false,"required":["steps","insufficiencies","user_answer"],
         "properties":{"steps":{"type":"array","items":{"type":"string"}},
          "insufficiencies":{"type":"array","items":{"type":"string"}},"user_answer":{"type":"string"}}}
        """).RootElement;

    private readonly IModels _models;
    private readonly Prompt _system;
    private readonly Prompt _user;
    private readonly CallScope _scope;

    public DisposalAnswer(IModels models, PromptLibrary prompts)
    {
        _models = models;
        _system = prompts[SystemPrompt];
        _user = prompts[UserPrompt];
        _scope = new CallScope { Task = Task, Prompt = _system.Id };
    }

    /// <summary>Composes the answer. Without a rule it is a fixed one and no model is asked.</summary>
    public async Task<AnswerResult> ComposeAsync(
        VisionResult vision, RuleResult rule, Question question, int rewardPoints, CancellationToken cancellationToken)
    {
        var classification = vision.Classification;
        AnswerResult Result(AnswerText text, Served? served) => new(
            text.Steps.Where(step => !string.IsNullOrWhiteSpace(step)).Take(MaxSteps)
                .Select((step, index) => ($"단계{index + 1}", step)).ToDictionary(pair => pair.Item1, pair => pair.step),
            [.. text.Insufficiencies.Where(lack => !string.IsNullOrWhiteSpace(lack))], text.UserAnswer, classification.MajorCategory, classification.MiddleCategory,
            classification.MajorCategory == Taxonomy.Recyclables, rewardPoints, served?.Provider ?? Fixed, served?.Model ?? Fixed,
            served?.FallbackReason?.ToString(), served is null ? null : ModelUsage.Of(served));

        if (rule.Data is null)
        {
            return Result(AnswerText.NoRule(vision.Meta.Question, TextLanguage.IsKorean(question.Text)), served: null);
        }

        var client = _models.Chat(_models.FindOrChoose(question.Model, Task, Needs));
        var system = _system.Fill(
            ("classification", JsonSerializer.Serialize(vision.Classification, TandemJson.Options)),
            ("situation_tags", string.Join(", ", vision.SituationTags)),
            ("disposal_rules", JsonSerializer.Serialize(rule.Data, TandemJson.Options)));
        ChatMessage[] messages = [new(ChatRole.System, system), new(ChatRole.User, _user.Fill((WasteVision.UserInput, question.Text)))];
        var options = ChatTasks.Json(_scope with { User = question.UserId }, "disposal_answer", Schema);
        // The local provider reads the facts as data instead of from the prompt's text.
        messages[0].AdditionalProperties = new() { [LocalDisposalAnswer.FactsKey] = new LocalDisposalAnswer.Facts(vision, rule.Data) };
        var response = await client.GetResponseAsync(messages, options, cancellationToken);
        return Result(Parse(response.Text), Served.Of(response)!);
    }

    private static AnswerText Parse(string text) =>
        ModelJson.Read<AnswerText>(text, TandemJson.Options, answer => string.IsNullOrWhiteSpace(answer.UserAnswer) ? "says nothing" : null);
}

/// <summary>The JSON of an answer.</summary>
public sealed record AnswerText(IReadOnlyList<string> Steps, IReadOnlyList<string> Insufficiencies, string UserAnswer)
{
    /// <summary>The answer when no rule matches; carries the question that would settle the matter, when there is one.</summary>
    public static AnswerText NoRule(string? question, bool korean) => korean
        ? new(
            [], ["배출 규정 매칭 실패"],
            "죄송해요, 이 품목에 맞는 배출 규정을 찾지 못했어요. " + (question ?? "다른 각도에서 다시 찍어 보거나 지자체 안내를 확인해 주세요."))
        : new(
            [], ["no disposal rule matches"],
            "Sorry, there is no disposal rule for this item. " + (question ?? "Please take another photo from a different angle or ask your municipality."));
}
