using Contracts;
using Contracts.Characters;
using Dapr.Client;
using Microsoft.AspNetCore.Http.HttpResults;
using ServiceDefaults;
using Users.Accounts;

namespace Users.Features;

/// <summary>
/// <c>GET /api/v1/users/me/characters</c> and <c>…/characters/{name}/ownership</c>. Who owns nothing yet sees the default character at once, and it is
/// requested: nobody waits for that, and a request that is lost is made again by the next look.
/// </summary>
internal static partial class MyCharacters
{
    public sealed record Ownership(string CharacterName, bool Owned);

    public static void MapMyCharacters(this IEndpointRouteBuilder users)
    {
        users.MapGet("/me/characters", ListAsync).WithName("GetMyCharacters").WithSummary("The characters that I own").Answers(404, "USER_NOT_FOUND");
        users.MapGet("/me/characters/{name}/ownership", OwnershipAsync).WithName("GetOwnership").WithSummary("Whether I own a character").Answers(404, "USER_NOT_FOUND");
    }

    private static async Task<Results<Ok<IReadOnlyList<UserCharacter>>, ProblemHttpResult>> ListAsync(
        UserIdentity user, AccountStore accounts, DaprClient dapr, TimeProvider time, ILogger<UsersService> logger, CancellationToken cancellationToken)
    {
        if (await accounts.FindAsync(user, cancellationToken) is not { Characters: var characters })
        {
            return Me.NotFound();
        }

        if (characters.Count > 0)
        {
            return TypedResults.Ok(characters);
        }

        var now = time.GetUtcNow();
        _ = RequestDefaultAsync(user.Id, now, dapr, logger);
        return TypedResults.Ok(Account.Empty.Grant(DefaultCharacter.Info, now).Characters);
    }

    private static async Task<Results<Ok<Ownership>, ProblemHttpResult>> OwnershipAsync(
        string name, UserIdentity user, AccountStore accounts, CancellationToken cancellationToken) =>
        await accounts.FindAsync(user, cancellationToken) is { Characters: var characters }
            ? TypedResults.Ok(new Ownership(
                name, characters.Any(character => character.Name == name) || (characters.Count == 0 && name == DefaultCharacter.Info.Name)))
            : Me.NotFound();

    private static async Task RequestDefaultAsync(string userId, DateTimeOffset now, DaprClient dapr, ILogger logger)
    {
        try
        {
            var request = new DefaultCharacterRequested(
                Uuid5.Create(Uuid5.Dns, $"{CharacterTopics.DefaultCharacterRequested}:{userId}"), now, userId);
            await dapr.PublishEventAsync(
                Components.PubSub, CharacterTopics.DefaultCharacterRequested, request,
                new Dictionary<string, string> { ["cloudevent.id"] = request.Id.ToString() }, CancellationToken.None);
        }
        catch (Exception exception)
        {
            LogNotRequested(logger, userId, exception.Message);
        }
    }

    [LoggerMessage(1607, LogLevel.Warning, "The default character of user {UserId} could not be requested ({Reason}); the next look at the characters tries again")]
    private static partial void LogNotRequested(ILogger logger, string userId, string reason);
}
