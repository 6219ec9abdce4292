using System.Text.Json;
using Contracts.Characters;
using ServiceDefaults;

namespace Characters.Catalogue;

/// <summary>All characters, loaded and checked once at start; matching never leaves the process.</summary>
public sealed class CharacterCatalogue
{
    /// <summary>Given when no other character matches, and shown to a user who owns none yet.</summary>
    public const string DefaultCode = "char-eco";

    private readonly Dictionary<string, CharacterInfo> _byLabel;

    private CharacterCatalogue(IReadOnlyList<CharacterInfo> all)
    {
        All = all;
        Default = all.Single(character => character.Code == DefaultCode);
        _byLabel = all.Where(character => character.Match is not null).ToDictionary(character => character.Match!);
    }

    /// <summary>In the order of the file.</summary>
    public IReadOnlyList<CharacterInfo> All { get; }

    /// <summary>The default character.</summary>
    public CharacterInfo Default { get; }

    /// <summary>Loads the file; throws when a code or label occurs twice or the default is missing.</summary>
    public static CharacterCatalogue Load(string path)
    {
        var entries = JsonSerializer.Deserialize<Entry[]>(File.ReadAllBytes(path), JsonSerializerOptions.Web) ?? [];
        if (entries.Select(entry => entry.Code).Distinct().Count() != entries.Length || entries.All(entry => entry.Code != DefaultCode))
        {
            throw new InvalidDataException($"{path}: a code occurs twice, or '{DefaultCode}' is missing");
        }

        return new CharacterCatalogue([.. entries.Select(entry => new CharacterInfo(
            Uuid5.Create(Uuid5.Dns, $"character:{entry.Code}"), entry.Code, entry.Name, entry.Type, entry.Dialog, entry.Match))]);
    }

    /// <summary>The character of a middle category, else the default; null for an empty label.</summary>
    public CharacterInfo? Match(string label) => label.Length == 0 ? null : _byLabel.GetValueOrDefault(label, Default);

    private sealed record Entry(string Code, string Name, string Type, string Dialog, string? Match);
}
