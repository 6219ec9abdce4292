using System.Text.Json;

namespace Ai.Local.Intents;

/// <summary>What an app knows of the intents of its users' messages: a data file of the app, checked when it is loaded.</summary>
public sealed record IntentTables
{
    /// <summary>Most that keywords add to a score.</summary>
    public const double MaxKeywordBoost = 0.2;

    /// <summary>Most that the intent before adds to a score.</summary>
    public const double MaxTransitionBoost = 0.15;

    /// <summary>The intent of everything that is not sure.</summary>
    public required string Fallback { get; init; }

    /// <summary>Keywords by intent, in the order in which intents win a tie. Keywords are found within words, since Korean words have endings.</summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<string>> Keywords { get; init; }

    /// <summary>By the intent before: which intents are likely next, and how much that adds.</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, double>> Transitions { get; init; } =
        new Dictionary<string, IReadOnlyDictionary<string, double>>();

    /// <summary>Words between two questions of one message. They are found anywhere, so a list names those that seldom stand for anything else.</summary>
    public IReadOnlyList<string> Connectives { get; init; } = [];

    /// <summary>Reads and checks a file. Throws <see cref="InvalidDataException"/>, a sentence that names the file and what is wrong.</summary>
    public static IntentTables Load(string path)
    {
        IntentTables tables;
        try
        {
            tables = JsonSerializer.Deserialize<IntentTables>(File.ReadAllBytes(path), new JsonSerializerOptions(JsonSerializerDefaults.Web)
            {
                PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
                RespectNullableAnnotations = true,
            })!;
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{path}: {exception.Message}", exception);
        }

        void Check(bool right, string wrong)
        {
            if (!right)
            {
                throw new InvalidDataException($"{path}: {wrong}");
            }
        }

        Check(tables is not null, "is empty");
        Check(tables!.Keywords.ContainsKey(tables.Fallback), $"the fallback '{tables.Fallback}' is none of the intents");
        Check(tables.Keywords.Values.Concat([tables.Connectives]).All(words => words.All(word => word.Trim().Length > 0)), "a keyword or connective is empty");
        foreach (var (from, nexts) in tables.Transitions)
        {
            Check(tables.Keywords.ContainsKey(from) && nexts.Keys.All(tables.Keywords.ContainsKey), $"the transitions of '{from}' name an intent that there is not");
            Check(nexts.Values.All(boost => boost is > 0 and <= MaxTransitionBoost), $"the transitions of '{from}' must add more than 0 and at most {MaxTransitionBoost}");
        }

        return tables;
    }
}
