namespace Ai.Local.Intents;

/// <summary>What somebody wants.</summary>
/// <param name="Name">Intent of the tables.</param>
/// <param name="Confidence">0 to 1.</param>
public sealed record Intent(string Name, double Confidence);

/// <summary>A part of a message that is a question of its own.</summary>
public sealed record IntentQuery(string Text, Intent Intent);

/// <summary>
/// Tells intents apart by keywords and by what came before, and mends a model's verdict with the same tables:
/// score = verdict + keywords (0.1 each, at most 0.2) + transition (at most 0.15, after an intent that was fairly sure) − 0.1 for messages below 5 characters; below 0.6 it is
/// the fallback. Without a model the keywords give the verdict: one half for the intent with most of them, nothing without any, so that a single
/// keyword is just enough in a message that is long enough.
/// </summary>
public sealed class IntentClassifier(IntentTables tables)
{
    private const double KeywordBoost = 0.1;
    private const double LengthPenalty = 0.1;
    private const int ShortMessage = 5;
    private const double Threshold = 0.6;
    private const double KeywordVerdict = 0.5;

    /// <summary>Confidence from which on the intent before tells something of the next.</summary>
    private const double SureBefore = 0.7;

    /// <summary>A message up to this length has one question.</summary>
    private const int SingleLength = 12;
    private const int MaxQueries = 3;

    /// <summary>The tables.</summary>
    public IntentTables Tables => tables;

    /// <summary>The intent of a message.</summary>
    /// <param name="message">The message.</param>
    /// <param name="before">Intent of the message before; null when there was none.</param>
    /// <param name="verdict">What a model says; null without one. A name that the tables lack is the fallback.</param>
    public Intent Classify(string message, Intent? before = null, Intent? verdict = null)
    {
        var text = message.Trim().ToLowerInvariant();
        var (name, hits) = verdict is null ? Best(text, before) : (tables.Keywords.ContainsKey(verdict.Name) ? verdict.Name : tables.Fallback, 0);
        if (verdict is not null)
        {
            hits = Hits(text, name).Count;
        }

        var score = Math.Clamp(
            (verdict?.Confidence ?? (hits > 0 ? KeywordVerdict : 0)) + Math.Min(IntentTables.MaxKeywordBoost, KeywordBoost * hits) + Transition(before, name)
                - (text.Length < ShortMessage ? LengthPenalty : 0),
            0, 1);
        // Sums of tenths are not exact in binary.
        score = Math.Round(score, 6);
        return new Intent(score < Threshold ? tables.Fallback : name, score);
    }

    /// <summary>
    /// The questions of a message, at most three. It is split at a connective only where both sides are sure of different intents: several things of one kind, a
    /// condition and its result, a list, stay one question.
    /// </summary>
    public IReadOnlyList<IntentQuery> Split(string message, Intent? before = null)
    {
        var whole = message.Trim();
        IntentQuery[] single = [new(whole, Classify(whole, before))];
        if (whole.Length <= SingleLength)
        {
            return single;
        }

        var queries = new List<IntentQuery>();
        foreach (var part in Parts(whole))
        {
            var intent = Classify(part, before);
            if (queries.Count > 0 && (intent.Name == tables.Fallback || intent.Name == queries[^1].Intent.Name || queries.Count == MaxQueries))
            {
                var joined = whole[whole.IndexOf(queries[^1].Text, StringComparison.Ordinal)..(whole.LastIndexOf(part, StringComparison.Ordinal) + part.Length)];
                queries[^1] = new IntentQuery(joined, queries[^1].Intent);
            }
            else
            {
                queries.Add(new IntentQuery(part, intent));
            }
        }

        return queries.Count > 1 && queries.TrueForAll(query => query.Intent.Name != tables.Fallback) ? queries : single;
    }

    /// <summary>The intent with most keywords; of equal ones the one with the longer keywords, then the likelier next one, then the first of the tables.</summary>
    private (string Name, int Hits) Best(string text, Intent? before) => tables.Keywords.Keys
        .Select(name => (Name: name, Hits: Hits(text, name)))
        .OrderByDescending(intent => intent.Hits.Count).ThenByDescending(intent => intent.Hits.Length).ThenByDescending(intent => Transition(before, intent.Name))
        .Select(intent => (intent.Name, intent.Hits.Count)).First();

    private (int Count, int Length) Hits(string text, string intent)
    {
        var found = tables.Keywords[intent].Where(keyword => text.Contains(keyword, StringComparison.OrdinalIgnoreCase)).ToArray();
        return (found.Length, found.Sum(keyword => keyword.Length));
    }

    private double Transition(Intent? before, string name) =>
        before is { Confidence: >= SureBefore } && tables.Transitions.TryGetValue(before.Name, out var nexts) ? nexts.GetValueOrDefault(name) : 0;

    private IEnumerable<string> Parts(string text)
    {
        var start = 0;
        while (true)
        {
            var next = tables.Connectives.Select(word => (Word: word, At: text.IndexOf(word, start, StringComparison.OrdinalIgnoreCase)))
                .Where(found => found.At >= 0).OrderBy(found => found.At).ThenByDescending(found => found.Word.Length).FirstOrDefault();
            var part = (next.Word is null ? text[start..] : text[start..next.At]).Trim(' ', ',', '.', '\n');
            if (part.Length > 0)
            {
                yield return part;
            }

            if (next.Word is null)
            {
                yield break;
            }

            start = next.At + next.Word.Length;
        }
    }
}
