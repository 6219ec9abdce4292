using System.Text.Json;
using Ai;
using Ai.Prompts;
using Microsoft.Extensions.AI;
using ScanWorker.Answers;
using ScanWorker.Knowledge;
using ScanWorker.Stages;
using ScanWorker.Vision;

namespace ScanWorker.Tests;

/// <summary>What models say is checked before anybody uses it.</summary>
public sealed class ModelAnswerTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Knowledge");
    private static readonly PromptLibrary Prompts = PromptTests.Library;
    private static readonly Taxonomy Tree = Taxonomy.Load(Folder);
    private static readonly DisposalRules Rules = DisposalRules.Load(Folder, Tree);

    private static Task<VisionResult> ClassifyAsync(string text) =>
        new WasteVision(new OneModel(text), Tree, SituationTags.Load(Folder), Prompts).ClassifyAsync(new byte[] { 1 }, "image/jpeg", new Question("?"), default);

    [Fact]
    public async Task A_classification_in_the_tree_is_taken_with_its_known_tags()
    {
        var result = await ClassifyAsync("""
            {"classification":{"major_category":"재활용폐기물","middle_category":"금속류","minor_category":"알루미늄캔"},
             "situation_tags":["찌그러짐","made up"],"confidence":1.7,"runner_up":{"category":"유리병","confidence":0.1},"question":null}
            """);

        Assert.Equal("금속류", result.Classification.MiddleCategory);
        Assert.Equal(["찌그러짐"], result.SituationTags);
        Assert.Equal(1, result.Meta.Confidence);
        Assert.Equal(("fake", "m1"), (result.Meta.Provider, result.Meta.Model));
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData(ModelFailure.ServerError, "ServerError")]
    public async Task Results_say_why_another_model_spoke_than_was_asked(ModelFailure? reason, string? said)
    {
        var vision = await new WasteVision(
            new OneModel("""{"classification":{"major_category":"재활용폐기물","middle_category":"종이"}}""") { FallbackReason = reason },
            Tree, SituationTags.Load(Folder), Prompts).ClassifyAsync(new byte[] { 1 }, "image/jpeg", new Question("?"), default);
        var answer = await new DisposalAnswer(
            new OneModel("""{"steps":[],"insufficiencies":[],"user_answer":"a"}""") { FallbackReason = reason }, Prompts)
            .ComposeAsync(vision, Rule("종이"), new Question("?"), 10, default);

        Assert.Equal((said, said), (vision.Meta.FallbackReason, answer.FallbackReason));
    }

    [Fact]
    public async Task Results_say_which_model_was_asked_for_and_what_the_answer_took()
    {
        var vision = await new WasteVision(
            new OneModel("""{"classification":{"major_category":"재활용폐기물","middle_category":"종이"}}""") { Requested = "m2", CostUsd = 0.003m },
            Tree, SituationTags.Load(Folder), Prompts).ClassifyAsync(new byte[] { 1 }, "image/jpeg", new Question("?"), default);
        var answers = new DisposalAnswer(new OneModel("""{"steps":[],"insufficiencies":[],"user_answer":"a"}"""), Prompts);

        Assert.Equal(new ModelUsage("m2", false, 900, 40, 0.003m), vision.Meta.Usage);
        Assert.Equal(new ModelUsage("m1", false, 900, 40, null), (await answers.ComposeAsync(vision, Rule("종이"), new Question("?"), 10, default)).Usage);
        var without = await answers.ComposeAsync(vision, new RuleResult(false, null, null, null), new Question("?"), 10, default);
        Assert.Equal(("fixed", null), (without.Model, without.Usage));
    }

    [Theory]
    [InlineData("no json")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"classification":{"major_category":"재활용폐기물","middle_category":"없는것"},"situation_tags":[]}""")]
    [InlineData("""{"classification":{"major_category":"대형폐기물","middle_category":"종이"},"situation_tags":[]}""")]
    public async Task Anything_else_is_worth_another_attempt(string text)
    {
        var failure = await Assert.ThrowsAsync<ModelException>(() => ClassifyAsync(text));

        Assert.Equal("MODEL_ANSWER_INVALID", failure.Code);
        Assert.True(failure.IsTransient);
    }

    private static VisionResult Seen(bool unsure = false, string? question = null) => new(
        new Classification("재활용폐기물", "종이", "신문지"), [], new VisionMeta("?", "local", "m", 0.87, null, unsure, [], question));

    private static RuleResult Rule(string middle) => new(true, "k", "재활용폐기물", Rules.Find("재활용폐기물", middle));

    [Fact]
    public async Task An_answer_that_would_not_fit_into_an_event_is_none()
    {
        var text = JsonSerializer.Serialize(new { steps = new[] { "s" }, insufficiencies = Array.Empty<string>(), user_answer = new string('a', ModelJson.DefaultMaxLength) });

        var failure = await Assert.ThrowsAsync<ModelException>(
            () => new DisposalAnswer(new OneModel(text), Prompts).ComposeAsync(Seen(), Rule("종이"), new Question("?"), 10, default));

        Assert.Equal("MODEL_ANSWER_INVALID", failure.Code);
    }

    [Fact]
    public async Task Steps_are_numbered_and_no_more_than_ten()
    {
        var text = JsonSerializer.Serialize(new { steps = Enumerable.Range(1, 12).Select(n => $"s{n}"), insufficiencies = Array.Empty<string>(), user_answer = "a" });

        var answer = await new DisposalAnswer(new OneModel(text), Prompts).ComposeAsync(Seen(), Rule("종이"), new Question("?"), 10, default);

        Assert.Equal(10, answer.DisposalSteps.Count);
        Assert.Equal("s1", answer.DisposalSteps["단계1"]);
        Assert.True(answer.Recyclable);
    }

    [Fact]
    public async Task Without_a_rule_no_model_is_asked_and_the_question_is_passed_on()
    {
        var answer = await new DisposalAnswer(new OneModel("never read"), Prompts)
            .ComposeAsync(Seen(unsure: true, question: "무엇인가요?"), new RuleResult(false, null, null, null), new Question("?"), 10, default);

        Assert.Contains("무엇인가요?", answer.UserAnswer);
        Assert.Equal("fixed", answer.Provider);
        Assert.NotEmpty(answer.Insufficiencies);
    }

    [Theory]
    [InlineData("골판지류", "택배 송장")]
    [InlineData("신문지", "차곡차곡")]
    [InlineData("백판지", null)]
    public async Task The_local_answer_has_the_steps_of_the_item(string minor, string? expected)
    {
        var seen = Seen() with { Classification = new Classification("재활용폐기물", "종이", minor) };
        var rule = Rules.Find("재활용폐기물", "종이")!;
        ChatMessage[] messages =
        [
            new(ChatRole.System, "") { AdditionalProperties = new() { [LocalDisposalAnswer.FactsKey] = new LocalDisposalAnswer.Facts(seen, rule) } },
            new(ChatRole.User, "어떻게 버려요?"),
        ];

        var answer = JsonSerializer.Deserialize<AnswerText>(await new LocalDisposalAnswer().AnswerAsync(messages, default), ServiceDefaults.TandemJson.Options)!;

        var specific = answer.Steps.Skip(rule.CommonSteps.Count).ToArray();
        Assert.Equal(expected is null ? 0 : 1, specific.Length);
        Assert.All(specific, step => Assert.Contains(expected!, step));
    }

    [Theory]
    [InlineData("이 종이 어떻게 버려요?", "종이")]
    [InlineData("how do I throw this away?", "paper")]
    public async Task The_local_answer_speaks_the_language_of_the_question(string question, string expected)
    {
        var messages = new ChatMessage[]
        {
            new(ChatRole.System, "") { AdditionalProperties = new() { [LocalDisposalAnswer.FactsKey] = new LocalDisposalAnswer.Facts(Seen(), Rules.Find("재활용폐기물", "종이")!) } },
            new(ChatRole.User, question),
        };

        var answer = JsonDocument.Parse(await new LocalDisposalAnswer().AnswerAsync(messages, default)).RootElement;

        Assert.Contains(expected, answer.GetProperty("user_answer").GetString());
        Assert.True(answer.GetProperty("steps").GetArrayLength() >= 3);
    }

    [Theory]
    [InlineData("plastic", "water_bottle", "무색페트병")]
    [InlineData("plastic", null, "플라스틱류")]
    [InlineData("plastic", "plastic_bag", "비닐류")]
    [InlineData("cardboard", "carton", "종이팩")]
    [InlineData("cardboard", null, "종이")]
    [InlineData("glass", "beer_bottle", "유리병")]
    [InlineData("metal", null, "금속류")]
    [InlineData("trash", null, "일반종량제폐기물")]
    public void Labels_of_the_local_classifier_have_their_place_in_the_tree(string label, string? hint, string middle)
    {
        var placed = LocalWasteVision.Place(label, hint);

        Assert.Equal(middle, placed.MiddleCategory);
        Assert.True(Tree.Contains(placed.MajorCategory, placed.MiddleCategory));
    }
}
