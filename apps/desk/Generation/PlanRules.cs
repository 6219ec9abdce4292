using System.Text.RegularExpressions;
using Ai.Prompts;

namespace Desk.Generation;

/// <summary>What is made of a model's plan before anybody draws or searches by it.</summary>
public static partial class PlanRules
{
    /// <summary>Longest caption and prompt, characters.</summary>
    public const int MaxText = 1000;

    /// <summary>Most things of a plan.</summary>
    public const int MaxItems = 10;

    private const int MinItems = 3;
    private const int MaxWord = 50;

    /// <summary>The plan when a model's is of no use.</summary>
    public static readonly PlanAnswer Default = new(
        "a desk",
        "The same desk from the same angle, tidy and well lit: a warm desk lamp, a monitor stand, a small plant, a wireless mouse and a mug, neutral background, no visible cables.",
        [
            new("탁상 스탠드 조명", "desk lamp"), new("모니터 받침대", "monitor stand"), new("미니 화분", "small plant"), new("무선 마우스", "wireless mouse"),
            new("머그컵", "mug"),
        ]);

    /// <summary>Prompt and things of a plan that can be used; those of <see cref="Default"/> where there is no prompt or there are fewer than three things.</summary>
    public static (string Prompt, IReadOnlyList<PlanItem> Items) Check(PlanAnswer answer)
    {
        var prompt = Tidy(Clean(answer.Prompt));
        PlanItem[] items =
        [
            .. answer.Items
                .Select(item => new PlanItem(Word(item.Keyword), Word(item.Label)))
                .Where(item => item is { Keyword.Length: > 0 and <= MaxWord, Label.Length: > 0 and <= MaxWord })
                .DistinctBy(item => item.Keyword).Take(MaxItems),
        ];
        return prompt.Length > 0 && items.Length >= MinItems ? (prompt, items) : (Default.Prompt, Default.Items);
    }

    /// <summary>Words that image models draw badly, in words that they draw well.</summary>
    public static string Tidy(string prompt)
    {
        prompt = Wired().Replace(prompt, "wireless");
        prompt = Cables().Replace(prompt, "no visible cables");
        prompt = Clutter().Replace(prompt, "tidy");
        return Noisy().Replace(prompt, "neutral background");
    }

    /// <summary>One paragraph of plain words: no addresses, no markup, nothing hidden.</summary>
    public static string Clean(string text)
    {
        var clean = Spaces().Replace(Markup().Replace(Address().Replace(UntrustedText.Clean(text), ""), ""), " ").Trim();
        return clean.Length <= MaxText ? clean : clean[..MaxText];
    }

    private static string Word(string text) => Clean(text);

    [GeneratedRegex(@"\bwired\b", RegexOptions.IgnoreCase)]
    private static partial Regex Wired();

    [GeneratedRegex(@"(?<!\bno visible )\b(?:cables?|wires)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Cables();

    [GeneratedRegex(@"\bclutter(?:ed)?\b", RegexOptions.IgnoreCase)]
    private static partial Regex Clutter();

    [GeneratedRegex(@"\bnoisy(?: background)?\b", RegexOptions.IgnoreCase)]
    private static partial Regex Noisy();

    [GeneratedRegex(@"\b(?:https?://|www\.)\S+", RegexOptions.IgnoreCase)]
    private static partial Regex Address();

    [GeneratedRegex(@"[*_`#<>\[\]{}|\\]")]
    private static partial Regex Markup();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
