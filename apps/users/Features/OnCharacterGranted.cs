using Contracts;
using Contracts.Characters;
using ServiceDefaults;
using Users.Accounts;

namespace Users.Features;

/// <summary>Records a character that was granted outside of a scan. Idempotent by user and code; a deleted account takes none.</summary>
internal static partial class OnCharacterGranted
{
    public static void MapOnCharacterGranted(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/on/character-granted", HandleAsync)
            .WithDeadLetteredTopic(Components.PubSub, CharacterTopics.CharacterGranted);

    private static async Task<IResult> HandleAsync(
        CharacterGranted message, AccountStore accounts, ILogger<UsersService> logger, CancellationToken cancellationToken)
    {
        await accounts.UpdateAsync(message.UserId, account => account.Grant(message.Character, message.Ts), cancellationToken);
        LogGranted(logger, message.UserId, message.Character.Code);
        return TypedResults.Ok();
    }

    [LoggerMessage(1606, LogLevel.Information, "User {UserId}: character {Code} granted")]
    private static partial void LogGranted(ILogger logger, string userId, string code);
}
