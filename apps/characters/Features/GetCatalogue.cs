using System.Text.Json.Serialization;
using Characters.Catalogue;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;
using ServiceDefaults;

namespace Characters.Features;

/// <summary><c>GET /api/v1/character/catalog</c>: all characters. Its ETag is the version; 304 for who has it (RFC 9110 §13.1.2).</summary>
internal static class GetCatalogue
{
    /// <summary>Its nulls are written: clients know these members.</summary>
    public sealed record Item(
        string Code, string Name, string Type, string Dialog, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Match);

    public static void MapGetCatalogue(this IEndpointRouteBuilder characters) => characters.MapGet("/catalog", HandleAsync).WithName(nameof(GetCatalogue)).WithSummary("All characters")
        .WithAnswerHeader("ETag", "Version of the catalogue.").WithRequestHeader("If-None-Match", "ETag of the version that the client has.", "\"1\"").Produces(304);

    /// <summary>The entity tag of a version.</summary>
    internal static EntityTagHeaderValue ETag(long version) => new($"\"{version}\"");

    private static async Task<Results<Ok<IReadOnlyList<Item>>, StatusCodeHttpResult>> HandleAsync(
        CatalogueCache cache, HttpContext http, CancellationToken cancellationToken)
    {
        var catalogue = await cache.GetAsync(cancellationToken);
        var tag = ETag(catalogue.Version);
        http.Response.GetTypedHeaders().ETag = tag;
        http.Response.Headers.CacheControl = "no-cache";
        return http.Request.GetTypedHeaders().IfNoneMatch.Any(known => known.Equals(EntityTagHeaderValue.Any) || known.Compare(tag, useStrongComparison: false))
            ? TypedResults.StatusCode(StatusCodes.Status304NotModified)
            : TypedResults.Ok<IReadOnlyList<Item>>(
                [.. catalogue.All.Select(character => new Item(character.Code, character.Name, character.Type, character.Dialog, character.Match))]);
    }
}
