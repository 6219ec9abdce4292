using System.Text.Json;

namespace ScanWorker.Knowledge;

/// <summary>A middle category with its minor items.</summary>
public sealed record WasteGroup(string Middle, string English, IReadOnlyList<string> Minor);

/// <summary>A major category. Where the tree has no middle level, its only group is named as the major.</summary>
public sealed record WasteCategory(string Major, string English, IReadOnlyList<WasteGroup> Groups);

/// <summary>The class tree of waste (Knowledge/taxonomy.json), checked when it is loaded.</summary>
public sealed class Taxonomy
{
    /// <summary>The recyclables, the only major whose rule is chosen by the middle category.</summary>
    public const string Recyclables = "재활용폐기물";

    /// <summary>Nothing was recognised.</summary>
    public const string Unclassified = "미분류";

    private readonly Dictionary<string, HashSet<string>> _middles;

    private Taxonomy(IReadOnlyList<WasteCategory> categories)
    {
        Categories = categories;
        _middles = categories.ToDictionary(category => category.Major, category => category.Groups.Select(group => group.Middle).ToHashSet());
    }

    /// <summary>All categories in the order of the file.</summary>
    public IReadOnlyList<WasteCategory> Categories { get; }

    /// <summary>Loads and checks the file; throws <see cref="InvalidDataException"/> that names what is wrong.</summary>
    public static Taxonomy Load(string folder)
    {
        var path = Path.Combine(folder, "taxonomy.json");
        var categories = JsonSerializer.Deserialize<WasteCategory[]>(File.ReadAllBytes(path), JsonSerializerOptions.Web)
            ?? throw new InvalidDataException($"{path} is empty");
        if (categories.GroupBy(category => category.Major).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw new InvalidDataException($"{path}: '{twice.Key}' occurs twice");
        }

        foreach (var category in categories)
        {
            if (category.Groups.Count == 0 || category.Groups.Any(group => group.Minor.Count != group.Minor.Distinct().Count()))
            {
                throw new InvalidDataException($"{path}: '{category.Major}' has no groups or an item twice in one group");
            }
        }

        return categories.Any(category => category.Major == Recyclables)
            ? new Taxonomy(categories)
            : throw new InvalidDataException($"{path}: '{Recyclables}' is missing");
    }

    /// <summary>Whether the pair stands in the tree; <see cref="Unclassified"/> with itself is allowed too.</summary>
    public bool Contains(string major, string middle) =>
        (major == Unclassified && middle == Unclassified) || (_middles.TryGetValue(major, out var middles) && middles.Contains(middle));
}
