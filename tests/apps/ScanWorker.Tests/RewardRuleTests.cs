using ScanWorker.Rewards;
using ScanWorker.Stages;

namespace ScanWorker.Tests;

public sealed class RewardRuleTests
{
    private static VisionResult Vision(string major = "재활용폐기물", string middle = "종이", bool unsure = false) => new(
        new Classification(major, middle, null), [], new VisionMeta("", "local", "m", 0.9, null, unsure, [], null));

    private static AnswerResult Answer(params string[] insufficiencies) => new(
        new Dictionary<string, string>(), insufficiencies, "a", "재활용폐기물", "종이", true, 10, "local", "m");

    private static readonly RuleResult Found = new(true, "재활용폐기물_종이", "재활용폐기물", null);
    private static readonly RuleResult NotFound = new(false, null, null, null);

    [Fact]
    public void A_perfect_sorting_of_a_recyclable_is_rewarded() => Assert.Null(RewardRule.Refusal(Vision(), Found, Answer(), enabled: true));

    [Fact]
    public void Blank_insufficiencies_do_not_count() => Assert.Null(RewardRule.Refusal(Vision(), Found, Answer(" "), enabled: true));

    [Fact]
    public void Nothing_else_is_rewarded()
    {
        Assert.NotNull(RewardRule.Refusal(Vision(), Found, Answer(), enabled: false));
        Assert.NotNull(RewardRule.Refusal(Vision(major: "대형폐기물"), Found, Answer(), enabled: true));
        Assert.NotNull(RewardRule.Refusal(Vision(middle: ""), Found, Answer(), enabled: true));
        Assert.NotNull(RewardRule.Refusal(Vision(unsure: true), Found, Answer(), enabled: true));
        Assert.NotNull(RewardRule.Refusal(Vision(), NotFound, Answer(), enabled: true));
        Assert.NotNull(RewardRule.Refusal(Vision(), Found, Answer("라벨이 남아 있어요"), enabled: true));
    }
}
