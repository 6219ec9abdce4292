using System.Buffers;
using System.Text.RegularExpressions;

namespace Ai.Moderation;

/// <summary>The built-in rules.</summary>
internal sealed partial class RuleModerator(ModerationOptions options) : IModerator
{
    private const string BlockedPhrase = "blocked-phrase";
    private const string Injection = "prompt-injection";

    private readonly SearchValues<string> _always = Phrases(options.BlockedPhrases);
    private readonly SearchValues<string> _answers = Phrases(options.BlockedPhrases.Concat(options.BlockedAnswers));

    /// <summary>Whether the options ask for anything.</summary>
    public static bool IsWanted(ModerationOptions options) =>
        options.FlagInjections || options.BlockedPhrases.Concat(options.BlockedAnswers).Any(phrase => phrase.Length > 0);

    /// <summary>One less than the longest phrase: whatever could still become one stays back.</summary>
    public int Window { get; } = Math.Max(0, options.BlockedPhrases.Concat(options.BlockedAnswers).Max(phrase => (int?)phrase.Length) - 1 ?? 0);

    public ValueTask<ModerationVerdict> CheckAsync(ModeratedText direction, ReadOnlyMemory<char> text, CancellationToken cancellationToken)
    {
        var blocked = text.Span.ContainsAny(direction == ModeratedText.Input ? _always : _answers);
        var flagged = direction == ModeratedText.Input && options.FlagInjections && InjectionPattern().IsMatch(text.Span);
        return ValueTask.FromResult(new ModerationVerdict(blocked ? BlockedPhrase : null, flagged ? Injection : null));
    }

    private static SearchValues<string> Phrases(IEnumerable<string> phrases) =>
        SearchValues.Create([.. phrases.Where(phrase => phrase.Length > 0)], StringComparison.OrdinalIgnoreCase);

    /// <summary>To forget or reveal the instructions, or to play somebody without any; in English and Korean. Cannot take long on any text.</summary>
    [GeneratedRegex(
        @"\b(ignore|disregard|forget|override)\b.{0,30}\b(previous|prior|above|earlier|system|your)\b.{0,20}\b(instructions?|prompts?|rules?)\b"
        + @"|\b(reveal|print|show|repeat)\b.{0,30}\b(system prompt|your (instructions|prompt|rules))\b"
        + @"|\byou are now (DAN|in developer mode|unrestricted)\b|<\|(im_start|system)\|?>"
        + @"|(이전|위|앞|기존|시스템).{0,10}(지시|명령|프롬프트|규칙).{0,10}(무시|잊|따르지)|시스템 프롬프트.{0,10}(보여|알려|출력|공개)",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking | RegexOptions.Singleline)]
    private static partial Regex InjectionPattern();
}
