using Microsoft.AspNetCore.Http.HttpResults;
using ServiceDefaults;
using Users.Accounts;

namespace Users.Features;

/// <summary><c>GET /api/v1/users/me/characters</c> and <c>…/characters/{name}/ownership</c>.</summary>
internal static class MyCharacters
{
    /// <summary>Shown to who owns nothing yet; nobody has to win it.</summary>
    private static readonly UserCharacter Default = new(
        new Guid("00000000-0000-0000-0000-000000000001"), "char-eco", "이코", "대표 캐릭터",
        "안녕! 사진 한 장이면 버리는 법을 알려 줄게. 함께 친구들을 모아 보자!", DateTimeOffset.UnixEpoch);

    public sealed record Ownership(string CharacterName, bool Owned);

    public static void MapMyCharacters(this IEndpointRouteBuilder users)
    {
        users.MapGet("/me/characters", ListAsync).WithName("GetMyCharacters").WithSummary("The characters that I own").Answers(404, "USER_NOT_FOUND");
        users.MapGet("/me/characters/{name}/ownership", OwnershipAsync).WithName("GetOwnership").WithSummary("Whether I own a character").Answers(404, "USER_NOT_FOUND");
    }

    private static async Task<Results<Ok<IReadOnlyList<UserCharacter>>, ProblemHttpResult>> ListAsync(
        UserIdentity user, AccountStore accounts, CancellationToken cancellationToken)
    {
        if (await accounts.FindAsync(user, cancellationToken) is not { Characters: var characters })
        {
            return Me.NotFound();
        }

        return TypedResults.Ok(characters.Count > 0 ? characters : [Default]);
    }

    private static async Task<Results<Ok<Ownership>, ProblemHttpResult>> OwnershipAsync(
        string name, UserIdentity user, AccountStore accounts, CancellationToken cancellationToken) =>
        await accounts.FindAsync(user, cancellationToken) is { } account
            ? TypedResults.Ok(new Ownership(name, account.Characters.Any(character => character.Name == name)))
            : Me.NotFound();
}
