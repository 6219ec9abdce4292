using System.Text.Json;
using Contracts.Characters;
using ServiceDefaults;

namespace Characters.Catalogue;

/// <summary>A character as the catalogue keeps it; its id follows from the code.</summary>
public sealed record CatalogueEntry(string Code, string Name, string Type, string Dialog, string? Match);

/// <summary>The catalogue: the document <c>catalogue</c>. The default character is not in it, see <see cref="DefaultCharacter"/>.</summary>
/// <param name="Version">Counts the changes from 1.</param>
/// <param name="Entries">In the order in which they were added.</param>
public sealed record CatalogueDocument(long Version, IReadOnlyList<CatalogueEntry> Entries);

/// <summary>All characters of one version, checked and indexed; matching never leaves the process.</summary>
public sealed class CharacterCatalogue
{
    private readonly Dictionary<string, CharacterInfo> _byLabel;

    private CharacterCatalogue(CatalogueDocument document)
    {
        Version = document.Version;
        All =
        [
            DefaultCharacter.Info,
            .. document.Entries.Select(entry => new CharacterInfo(
                Uuid5.Create(Uuid5.Dns, $"character:{entry.Code}"), entry.Code, entry.Name, entry.Type, entry.Dialog, entry.Match)),
        ];
        _byLabel = All.Where(character => character.Match is not null).ToDictionary(character => character.Match!);
    }

    /// <summary>See <see cref="CatalogueDocument.Version"/>.</summary>
    public long Version { get; }

    /// <summary>The default character, then the others in the order of the document.</summary>
    public IReadOnlyList<CharacterInfo> All { get; }

    /// <summary>The seed of a new installation, version 1; throws when it is not valid.</summary>
    public static CatalogueDocument Seed(string path)
    {
        var entries = JsonSerializer.Deserialize<CatalogueEntry[]>(File.ReadAllBytes(path), JsonSerializerOptions.Web) ?? [];
        var seed = new CatalogueDocument(1, []);
        foreach (var entry in entries)
        {
            seed = CatalogueRules.Refusal(seed, entry) is { } wrong
                ? throw new InvalidDataException($"{path}: {entry.Code}: {wrong.Detail}")
                : seed with { Entries = [.. seed.Entries, entry] };
        }

        return seed;
    }

    /// <summary>The version that a document holds.</summary>
    public static CharacterCatalogue Of(CatalogueDocument document) => new(document);

    /// <summary>The character of a middle category, else the default; null for an empty label.</summary>
    public CharacterInfo? Match(string label) => label.Length == 0 ? null : _byLabel.GetValueOrDefault(label, DefaultCharacter.Info);
}
