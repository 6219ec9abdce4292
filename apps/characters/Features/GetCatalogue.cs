using System.Text.Json.Serialization;
using Characters.Catalogue;

namespace Characters.Features;

/// <summary><c>GET /api/v1/character/catalog</c>: all characters.</summary>
internal static class GetCatalogue
{
    /// <summary>Its nulls are written: clients know these members.</summary>
    public sealed record Item(
        string Code, string Name, string Type, string Dialog, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Match);

    public static void MapGetCatalogue(this IEndpointRouteBuilder characters) =>
        characters.MapGet("/catalog", (CharacterCatalogue catalogue) => TypedResults.Ok(
                catalogue.All.Select(character => new Item(character.Code, character.Name, character.Type, character.Dialog, character.Match))))
            .WithName(nameof(GetCatalogue));
}
