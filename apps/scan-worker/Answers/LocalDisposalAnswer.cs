using System.Text.Json;
using Ai.Catalogue;
using Ai.Local;
using Ai.Local.Text;
using Ai.Prompts;
using Microsoft.Extensions.AI;
using ScanWorker.Knowledge;
using ScanWorker.Stages;
using ScanWorker.Vision;
using ServiceDefaults;

namespace ScanWorker.Answers;

/// <summary>
/// The local provider's answer: the rule's own sentences in a template, in the language of the question. It cannot see the
/// thing's condition, so it claims nothing about it and says so.
/// </summary>
public sealed class LocalDisposalAnswer : ILocalSkill
{
    /// <summary>Where the system message carries the <see cref="Facts"/>.</summary>
    public const string FactsKey = "facts";

    /// <summary>What the answer is made from.</summary>
    public sealed record Facts(VisionResult Vision, DisposalRule Rule);

    public string Task => DisposalAnswer.Task;

    public ModelCapabilities Capabilities => ModelCapabilities.JsonSchema;

    public Task<string> AnswerAsync(IReadOnlyList<ChatMessage> messages, CancellationToken cancellationToken)
    {
        var facts = (Facts)messages[0].AdditionalProperties![FactsKey]!;
        var answer = TextLanguage.IsKorean(QuestionOf(messages)) ? Korean(facts) : English(facts);
        return System.Threading.Tasks.Task.FromResult(JsonSerializer.Serialize(answer, TandemJson.Options));
    }

    /// <summary>The person's own words in the last message.</summary>
    internal static string QuestionOf(IReadOnlyList<ChatMessage> messages) => Fence.Inside(messages[^1].Text, WasteVision.UserInput) ?? messages[^1].Text;

    private static AnswerText Korean(Facts facts)
    {
        var (vision, rule) = facts;
        var specific = vision.Classification.MinorCategory is { } minor ? SpecificSteps(rule, minor) : [];
        return new AnswerText(
            [.. rule.CommonSteps, .. specific], [],
            $"{rule.Name}{Particle(rule.Name)} 보여요{Certainty(vision, " (확신도 {0:P0})")}. {rule.CommonSteps[0]}. "
            + "사진만으로 오염이나 라벨 상태까지는 확인하지 못했으니 배출 전에 한 번 살펴봐 주세요.");
    }

    /// <summary>Steps for the item itself, by its own name or that of its group: 골판지류 is in group 골판지 and has the steps of 골판지 상자.</summary>
    private static IReadOnlyList<string> SpecificSteps(DisposalRule rule, string minor)
    {
        string[] names = [minor, .. rule.Groups.Where(group => group.Value.Contains(minor)).Select(group => group.Key)];
        return rule.SpecificSteps.FirstOrDefault(steps => names.Any(name => steps.Key.Contains(name) || name.Contains(steps.Key))).Value ?? [];
    }

    /// <summary>The particle after a word: 로 after a vowel and after ㄹ, 으로 after any other final consonant. A word that ends otherwise gets both.</summary>
    internal static string Particle(string word)
    {
        const int Finals = 28, Rieul = 8;
        // What stands in brackets at the end is not read aloud.
        var spoken = word.EndsWith(')') && word.LastIndexOf('(') is > 0 and var open ? word[..open].TrimEnd() : word;
        return spoken is [.., >= '가' and <= '힣' and var last]
            ? ((last - '가') % Finals) is 0 or Rieul ? "로" : "으로"
            : "(으)로";
    }

    private static AnswerText English(Facts facts)
    {
        var (vision, rule) = facts;
        return new AnswerText(
            rule.English.Steps, [],
            $"This looks like {rule.English.Name.ToLowerInvariant()}{Certainty(vision, " (confidence {0:P0})")}. {rule.English.Summary} "
            + "Its condition (soiling, labels) was not checked, so please have a look before you put it out.");
    }

    private static string Certainty(VisionResult vision, string format) =>
        vision.Meta.Confidence is { } confidence ? string.Format(System.Globalization.CultureInfo.InvariantCulture, format, confidence) : "";
}
