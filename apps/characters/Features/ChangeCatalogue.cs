using Characters.Catalogue;
using Contracts;
using Contracts.Characters;
using Contracts.Identity;
using Dapr;
using Dapr.Client;
using Microsoft.AspNetCore.Http.HttpResults;
using ServiceDefaults;

namespace Characters.Features;

/// <summary>
/// <c>PUT</c> and <c>DELETE /api/v1/character/catalog/{code}</c>, for admins: adds, replaces or removes a character. <c>If-Match</c> names the version that
/// the change is made to: 428 without, 412 when there is a newer one. The answer's ETag is the new version. Who owns a removed character keeps it.
/// </summary>
internal static partial class ChangeCatalogue
{
    public sealed record Request(string? Name, string? Type, string? Dialog, string? Match = null);

    public static void MapChangeCatalogue(this IEndpointRouteBuilder characters)
    {
        characters.MapPut("/catalog/{code}", PutAsync).WithName("PutCharacter").WithSummary("Adds or changes a character of the catalogue")
            .WithRequestHeader("If-Match", "ETag of the catalogue that is changed.", "\"1\"").Answers(412, "CATALOGUE_CHANGED").Answers(428, "PRECONDITION_REQUIRED").RequireRole(Roles.Admin);
        characters.MapDelete("/catalog/{code}", DeleteAsync).WithName("DeleteCharacter").WithSummary("Takes away a character of the catalogue")
            .WithRequestHeader("If-Match", "ETag of the catalogue that is changed.", "\"1\"").Answers(404, "CHARACTER_NOT_FOUND").Answers(412, "CATALOGUE_CHANGED").Answers(428, "PRECONDITION_REQUIRED").RequireRole(Roles.Admin);
    }

    private static async Task<Results<Ok<CatalogueEntry>, ProblemHttpResult>> PutAsync(
        string code, Request request, HttpContext http, CatalogueStore store, CatalogueCache cache, DaprClient dapr, TimeProvider time,
        ILogger<CatalogueCache> logger, CancellationToken cancellationToken)
    {
        var entry = new CatalogueEntry(code, request.Name!, request.Type!, request.Dialog!, request.Match);
        var refusal = await ChangeAsync(
            http, code, catalogue => CatalogueRules.Refusal(catalogue, entry),
            entries => entries.Any(known => known.Code == code) ? [.. entries.Select(known => known.Code == code ? entry : known)] : [.. entries, entry],
            store, cache, dapr, time, logger, cancellationToken);
        return refusal is null ? TypedResults.Ok(entry) : refusal;
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        string code, HttpContext http, CatalogueStore store, CatalogueCache cache, DaprClient dapr, TimeProvider time, ILogger<CatalogueCache> logger,
        CancellationToken cancellationToken)
    {
        var refusal = await ChangeAsync(
            http, code,
            catalogue => code == DefaultCharacter.Code ? CatalogueRules.IsDefault()
                : catalogue.Entries.Any(known => known.Code == code) ? null
                : new CatalogueRefusal(404, "CHARACTER_NOT_FOUND", "there is no such character"),
            entries => [.. entries.Where(known => known.Code != code)],
            store, cache, dapr, time, logger, cancellationToken);
        return refusal is null ? TypedResults.NoContent() : refusal;
    }

    /// <summary>1. Check against the newest version. 2. Store. 3. This replica. 4. The others.</summary>
    private static async Task<ProblemHttpResult?> ChangeAsync(
        HttpContext http, string code, Func<CatalogueDocument, CatalogueRefusal?> check,
        Func<IReadOnlyList<CatalogueEntry>, IReadOnlyList<CatalogueEntry>> change, CatalogueStore store, CatalogueCache cache, DaprClient dapr,
        TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        if (http.Request.GetTypedHeaders().IfMatch is not [var expected, ..])
        {
            return Problems.Of(428, "PRECONDITION_REQUIRED", "send If-Match with the ETag of the catalogue that you change");
        }

        var current = await store.ReadAsync(cancellationToken);
        if (!GetCatalogue.ETag(current.Version).Compare(expected, useStrongComparison: true))
        {
            return Stale(http, current.Version);
        }

        if (check(current) is { } refusal)
        {
            return Problems.Of(refusal.Status, refusal.Code, refusal.Detail);
        }

        if (await store.TryReplaceAsync(current.Version, change, cancellationToken) is not { } stored)
        {
            return Stale(http, (await store.ReadAsync(cancellationToken)).Version);
        }

        http.Response.GetTypedHeaders().ETag = GetCatalogue.ETag(stored.Version);
        await cache.RefreshAsync(stored.Version, cancellationToken);
        try
        {
            await dapr.PublishEventAsync(
                Components.Broadcast, CharacterTopics.CharacterChanged, new CharacterChanged(stored.Version, time.GetUtcNow()), cancellationToken);
        }
        catch (DaprException exception)
        {
            LogNotAnnounced(logger, stored.Version, exception.Message);
        }

        LogChanged(logger, code, stored.Version);
        return null;
    }

    private static ProblemHttpResult Stale(HttpContext http, long version)
    {
        http.Response.GetTypedHeaders().ETag = GetCatalogue.ETag(version);
        return Problems.Of(412, "CATALOGUE_CHANGED", "somebody else has changed the catalogue; look at it and try again with its ETag");
    }

    [LoggerMessage(1513, LogLevel.Information, "Character {Code} was changed: catalogue version {Version}")]
    private static partial void LogChanged(ILogger logger, string code, long version);

    [LoggerMessage(1514, LogLevel.Warning, "Catalogue version {Version} is stored but could not be announced ({Reason}); replicas see it when they read it at its time")]
    private static partial void LogNotAnnounced(ILogger logger, long version, string reason);
}
