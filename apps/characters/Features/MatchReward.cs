using Characters.Catalogue;
using Characters.Ownership;
using Contracts;
using Contracts.Characters;
using Dapr.Client;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Characters.Features;

/// <summary><c>POST /internal/characters/match</c>: judges a reward and changes nothing, so scan-worker may ask again.</summary>
internal static class MatchReward
{
    public static void MapMatchReward(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/internal/characters/match", HandleAsync).RequireCaller(Apps.ScanWorker);

    private static async Task<Ok<CharacterMatched>> HandleAsync(
        MatchCharacter query, CatalogueCache cache, DaprClient dapr, IOptions<CharactersOptions> options, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var owner = await dapr.GetStateAsync<Owner?>(Components.StateStore, OnScanRewarded.Key(query.UserId), cancellationToken: cancellationToken);
        var catalogue = await cache.GetAsync(cancellationToken);
        return TypedResults.Ok(RewardJudge.Judge(query, catalogue, owner ?? Owner.Empty, time.GetUtcNow(), options.Value.MaxRewardsPerDay));
    }
}
