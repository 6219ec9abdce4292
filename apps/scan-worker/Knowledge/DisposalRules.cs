using System.Text.Json;
using System.Text.Json.Serialization;

namespace ScanWorker.Knowledge;

/// <summary>The rule of one kind of waste: Knowledge/rules/{key}.json, written in Korean with an English field.</summary>
public sealed record DisposalRule
{
    [JsonPropertyName("key")] public required string Key { get; init; }
    [JsonPropertyName("category")] public required string Category { get; init; }
    [JsonPropertyName("이름")] public required string Name { get; init; }
    [JsonPropertyName("대상_품목")] public required IReadOnlyList<string> Items { get; init; }
    [JsonPropertyName("대상_설명")] public required IReadOnlyList<string> Description { get; init; }
    [JsonPropertyName("세부_품목")] public required IReadOnlyDictionary<string, IReadOnlyList<string>> Groups { get; init; }
    [JsonPropertyName("배출방법_공통")] public required IReadOnlyList<string> CommonSteps { get; init; }
    [JsonPropertyName("배출방법_세부")] public required IReadOnlyDictionary<string, IReadOnlyList<string>> SpecificSteps { get; init; }
    [JsonPropertyName("배출불가_품목_안내")] public required IReadOnlyDictionary<string, string> NotAccepted { get; init; }
    [JsonPropertyName("아이콘_절차")] public required IReadOnlyList<string> Icons { get; init; }
    [JsonPropertyName("english")] public required EnglishRule English { get; init; }
}

/// <summary>The rule in English.</summary>
public sealed record EnglishRule(
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("summary")] string Summary,
    [property: JsonPropertyName("steps")] IReadOnlyList<string> Steps);

/// <summary>All rules, loaded and checked once at start.</summary>
public sealed class DisposalRules
{
    private readonly Dictionary<string, DisposalRule> _rules;

    private DisposalRules(Dictionary<string, DisposalRule> rules) => _rules = rules;

    /// <summary>All keys.</summary>
    public IReadOnlyCollection<string> Keys => _rules.Keys;

    /// <summary>Loads the folder; every group of the taxonomy must have its rule.</summary>
    public static DisposalRules Load(string folder, Taxonomy taxonomy)
    {
        var rules = new Dictionary<string, DisposalRule>();
        foreach (var path in Directory.EnumerateFiles(Path.Combine(folder, "rules"), "*.json"))
        {
            var rule = JsonSerializer.Deserialize<DisposalRule>(File.ReadAllBytes(path))
                ?? throw new InvalidDataException($"{path} is empty");
            // File names may be stored decomposed (NFD) on some systems; the key in the file is what counts.
            if (rule.CommonSteps.Count == 0 || rule.English.Steps.Count == 0 || !rules.TryAdd(rule.Key, rule))
            {
                throw new InvalidDataException($"{path}: no steps, no English steps, or a key that occurs twice");
            }
        }

        var loaded = new DisposalRules(rules);
        foreach (var category in taxonomy.Categories)
        {
            foreach (var group in category.Groups.Where(group => loaded.Find(category.Major, group.Middle) is null))
            {
                throw new InvalidDataException($"no rule for '{category.Major}' / '{group.Middle}'");
            }
        }

        return loaded;
    }

    /// <summary>
    /// The rule of a classification: <c>재활용폐기물_{middle}</c> for recyclables, else <c>{major}</c>; null when there is none.
    /// </summary>
    public DisposalRule? Find(string major, string middle) =>
        (major == Taxonomy.Recyclables && middle.Length > 0 ? _rules.GetValueOrDefault($"{major}_{middle}") : null)
        ?? _rules.GetValueOrDefault(major);
}
