using System.Text.RegularExpressions;
using Contracts.Characters;

namespace Characters.Catalogue;

/// <summary>Why an entry is not taken.</summary>
public sealed record CatalogueRefusal(int Status, string Code, string Detail);

/// <summary>What an entry of the catalogue must look like.</summary>
public static partial class CatalogueRules
{
    /// <summary>Most entries: the catalogue is one document and one message of a page.</summary>
    public const int MaxEntries = 500;

    private const int MaxName = 40;
    private const int MaxType = 100;
    private const int MaxDialog = 300;

    /// <summary>The first thing that is wrong with adding or replacing the entry, or null.</summary>
    public static CatalogueRefusal? Refusal(CatalogueDocument catalogue, CatalogueEntry entry) =>
        entry.Code == DefaultCharacter.Code ? IsDefault()
        : entry.Code is null || !CodeForm().IsMatch(entry.Code) ? Invalid("a code is 'char-' and 1 to 40 of a-z, 0-9 and '-'")
        : !IsText(entry.Name, MaxName) ? Invalid($"name has 1 to {MaxName} characters")
        : !IsText(entry.Type, MaxType) ? Invalid($"type has 1 to {MaxType} characters")
        : !IsText(entry.Dialog, MaxDialog) ? Invalid($"dialog has 1 to {MaxDialog} characters")
        : entry.Match is not null && !IsText(entry.Match, MaxName) ? Invalid($"match has 1 to {MaxName} characters, or is left out")
        : Others(catalogue, entry).FirstOrDefault(other => other.Match is not null && other.Match == entry.Match) is { } matching
            ? new(409, "MATCH_TAKEN", $"{matching.Code} matches '{entry.Match}' already")
        : Others(catalogue, entry).FirstOrDefault(other => other.Name == entry.Name) is { } named ? new(409, "NAME_TAKEN", $"{named.Code} has this name already")
        : entry.Name == DefaultCharacter.Info.Name ? new(409, "NAME_TAKEN", $"{DefaultCharacter.Code} has this name already")
        : Others(catalogue, entry).Count() >= MaxEntries ? new(409, "CATALOGUE_FULL", $"the catalogue has at most {MaxEntries} entries")
        : null;

    /// <summary>The refusal of any change of the default character.</summary>
    public static CatalogueRefusal IsDefault() => new(409, "DEFAULT_CHARACTER", $"{DefaultCharacter.Code} is part of the contract with other apps and cannot be changed");

    private static CatalogueRefusal Invalid(string detail) => new(422, "INVALID_CHARACTER", detail);

    private static IEnumerable<CatalogueEntry> Others(CatalogueDocument catalogue, CatalogueEntry entry) =>
        catalogue.Entries.Where(other => other.Code != entry.Code);

    private static bool IsText(string? text, int max) => text is { Length: > 0 } && text.Length <= max && !string.IsNullOrWhiteSpace(text);

    [GeneratedRegex(@"\Achar-[a-z0-9-]{1,40}\z")]
    private static partial Regex CodeForm();
}
