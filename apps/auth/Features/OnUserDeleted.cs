using Auth.Sessions;
using Contracts;
using Contracts.Users;
using ServiceDefaults;
using ServiceDefaults.Erasure;

namespace Auth.Features;

/// <summary>
/// Ends all sessions of somebody whose account was deleted, forgets what every part of auth keeps, and reports it to users. Idempotent by user id: every
/// part may be asked again.
/// </summary>
internal static partial class OnUserDeleted
{
    public static void MapOnUserDeleted(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/on/user-deleted", HandleAsync).WithDeadLetteredTopic(Components.PubSub, UserTopics.UserDeleted, Apps.Auth);

    private static async Task<IResult> HandleAsync(
        UserDeleted message, IEnumerable<IUserData> parts, ErasureReports reports, ILogger<AuthService> logger, CancellationToken cancellationToken)
    {
        // What fails is asked again with the next delivery, and so are those before it.
        foreach (var part in parts)
        {
            await part.EraseAsync(message.UserId, cancellationToken);
        }

        await reports.SendAsync(Apps.Auth, message, cancellationToken);
        LogErased(logger, message.UserId);
        return TypedResults.Ok();
    }

    [LoggerMessage(2012, LogLevel.Information, "Sessions and credentials of {UserId} are erased")]
    private static partial void LogErased(ILogger logger, string userId);
}
