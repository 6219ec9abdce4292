using System.Text.Json;
using System.Text.RegularExpressions;

namespace Ai.Local.Text;

/// <summary>
/// What spelling alone does not know: words that mean the same, and words of questions that say nothing. A data file of the app owns them; see <see cref="Load"/>.
/// </summary>
public sealed class LexicalWords
{
    private static readonly string[] QuestionWords =
    [
        "어떻게", "어디", "무엇", "뭐", "언제", "알려", "궁금", "주세요", "하나요", "되나요", "할까요", "인가요", "해야", "있나요",
        "a", "an", "the", "is", "are", "do", "does", "did", "i", "you", "we", "it", "this", "that", "of", "to", "in", "on", "for", "and", "or", "my", "me",
        "how", "what", "where", "when", "which", "who", "why", "should", "would", "could", "please", "tell", "about", "away",
    ];

    private readonly IReadOnlyDictionary<string, string> _synonyms;
    private readonly Regex? _synonym;
    private readonly Regex _stop;

    /// <summary>Creates word lists.</summary>
    /// <param name="synonyms">Word and the one that stands for it, in documents and questions alike.</param>
    /// <param name="stop">Beginnings of words that are left out of questions, beside the usual question words of both languages.</param>
    public LexicalWords(IReadOnlyDictionary<string, string> synonyms, IReadOnlyCollection<string> stop)
    {
        _synonyms = new Dictionary<string, string>(synonyms, StringComparer.OrdinalIgnoreCase);
        _synonym = synonyms.Count > 0 ? Any(synonyms.Keys) : null;
        _stop = Any(QuestionWords.Concat(stop));
    }

    /// <summary>No synonyms, and the usual question words.</summary>
    public static LexicalWords Default { get; } = new(new Dictionary<string, string>(), []);

    /// <summary>Reads <c>{"synonyms": {"핸드폰": "휴대폰"}, "stop": ["버려"]}</c>; throws <see cref="InvalidDataException"/> that names the file.</summary>
    public static LexicalWords Load(string path)
    {
        try
        {
            var lists = JsonSerializer.Deserialize<Lists>(File.ReadAllBytes(path), JsonSerializerOptions.Web)!;
            return new LexicalWords(lists.Synonyms ?? new Dictionary<string, string>(), lists.Stop ?? []);
        }
        catch (Exception exception) when (exception is JsonException or NullReferenceException or ArgumentException)
        {
            throw new InvalidDataException($"{path}: needs \"synonyms\", an object of words, and \"stop\", a list of words", exception);
        }
    }

    internal string OfDocument(string text) => _synonym is null ? text : _synonym.Replace(text, match => _synonyms[match.Value]);

    /// <summary>A question that consists of nothing but stop words is left as it is.</summary>
    internal string OfQuestion(string text)
    {
        var words = OfDocument(text);
        var kept = _stop.Replace(words, " ");
        return kept.Any(char.IsLetterOrDigit) ? kept : words;
    }

    /// <summary>The longest first. Latin words stand alone; a Korean one begins a word and may be followed by anything.</summary>
    private static Regex Any(IEnumerable<string> words) => new(
        string.Join('|', words.OrderByDescending(word => word.Length).Select(word =>
            word.Length == 0 ? throw new ArgumentException("an empty word")
            : char.IsAscii(word[0]) ? $@"(?<![a-zA-Z0-9]){Regex.Escape(word)}(?![a-zA-Z0-9])"
            : $"(?<![가-힣]){Regex.Escape(word)}")),
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant);

    private sealed record Lists(IReadOnlyDictionary<string, string>? Synonyms, IReadOnlyCollection<string>? Stop);
}
