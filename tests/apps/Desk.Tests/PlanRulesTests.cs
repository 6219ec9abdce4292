using Desk.Generation;

namespace Desk.Tests;

/// <summary>What is made of a model's plan.</summary>
public sealed class PlanRulesTests
{
    private static readonly PlanItem[] Three = [new("조명", "lamp"), new("화분", "plant"), new("머그컵", "mug")];

    [Theory]
    [InlineData("a wired mouse", "a wireless mouse")]
    [InlineData("a wireless mouse", "a wireless mouse")]
    [InlineData("hide the cables", "hide the no visible cables")]
    [InlineData("no visible cables", "no visible cables")]
    [InlineData("much clutter, a cluttered shelf", "much tidy, a tidy shelf")]
    [InlineData("a noisy background", "a neutral background")]
    public void Words_that_are_drawn_badly_are_others(string prompt, string tidy) => Assert.Equal(tidy, PlanRules.Tidy(prompt));

    [Theory]
    [InlineData("**bold** `code` [link](https://evil.example/x) text", "bold code link( text")]
    [InlineData("one\n\n two\u202E three", "one two three")]
    [InlineData("see www.evil.example now", "see now")]
    public void Text_is_one_paragraph_of_plain_words(string text, string clean) => Assert.Equal(clean, PlanRules.Clean(text));

    [Fact]
    public void Text_has_an_end() => Assert.Equal(PlanRules.MaxText, PlanRules.Clean(new string('a', 10_000)).Length);

    [Fact]
    public void A_plan_that_can_be_used_is_used()
    {
        var (prompt, items) = PlanRules.Check(new PlanAnswer("c", "a tidy desk", [.. Three, new("조명", "another lamp"), new(new string('x', 51), "long")]));

        Assert.Equal("a tidy desk", prompt);
        Assert.Equal(Three, items);
    }

    [Theory]
    [InlineData("", 3)]
    [InlineData("a tidy desk", 2)]
    public void A_plan_without_words_or_things_is_the_built_in_one(string prompt, int things)
    {
        var plan = PlanRules.Check(new PlanAnswer("c", prompt, Three[..things]));

        Assert.Equal((PlanRules.Default.Prompt, 5), (plan.Prompt, plan.Items.Count));
    }

    [Theory]
    [InlineData(null, "BASIC")]
    [InlineData("cartoon", "CARTOON")]
    [InlineData("BAROQUE", null)]
    public void Styles_go_by_their_names(string? concept, string? name) => Assert.Equal(name, Concepts.Find(concept));
}
