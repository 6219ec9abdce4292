using System.Text.Json;

namespace ScanWorker.Knowledge;

/// <summary>Tags of a thing's condition (Knowledge/situation-tags.json): soiled, label attached, broken …</summary>
public sealed class SituationTags
{
    /// <summary>The minor item is not known.</summary>
    public const string UnclassifiedMinor = "미분류_소분류";

    private readonly HashSet<string> _all;

    private SituationTags(IReadOnlyList<TagGroup> groups)
    {
        Groups = groups;
        _all = [.. groups.SelectMany(group => group.Tags)];
    }

    /// <summary>Tags by group.</summary>
    public IReadOnlyList<TagGroup> Groups { get; }

    /// <summary>Loads and checks the file.</summary>
    public static SituationTags Load(string folder)
    {
        var path = Path.Combine(folder, "situation-tags.json");
        var groups = JsonSerializer.Deserialize<TagGroup[]>(File.ReadAllBytes(path), JsonSerializerOptions.Web);
        return groups is { Length: > 0 } && groups.All(group => group.Tags.Count > 0) && groups.Any(group => group.Tags.Contains(UnclassifiedMinor))
            ? new SituationTags(groups)
            : throw new InvalidDataException($"{path} has no groups, an empty group, or lacks '{UnclassifiedMinor}'");
    }

    /// <summary>The known ones of the given tags, each once.</summary>
    public IReadOnlyList<string> Known(IEnumerable<string> tags) => [.. tags.Where(_all.Contains).Distinct()];
}

/// <summary>A group of tags.</summary>
public sealed record TagGroup(string Group, IReadOnlyList<string> Tags);
