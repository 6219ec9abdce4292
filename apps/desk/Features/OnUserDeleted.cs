using Contracts;
using Contracts.Users;
using Desk.Callbacks;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.Erasure;

namespace Desk.Features;

/// <summary>
/// Erases the logs of a person's callbacks, then reports it. Attempts that were planned are not made any more. Idempotent by user; broken off it begins again
/// with what is listed. Judgements of pictures stay for their day: they name nobody.
/// </summary>
internal static partial class OnUserDeleted
{
    public static void MapOnUserDeleted(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/on/user-deleted", HandleAsync).WithDeadLetteredTopic(Components.PubSub, UserTopics.UserDeleted, Apps.Desk);

    private static async Task<IResult> HandleAsync(
        UserDeleted message, Deliveries deliveries, ErasureReports reports, IOptions<ErasureOptions> options, ILogger<DeskService> logger,
        CancellationToken cancellationToken)
    {
        var erased = await deliveries.EraseAsync(message.UserId, message.Ts, options.Value.TombstoneKept, cancellationToken);
        await reports.SendAsync(Apps.Desk, message, cancellationToken);
        LogErased(logger, message.UserId, erased);
        return TypedResults.Ok();
    }

    [LoggerMessage(2203, LogLevel.Information, "The callbacks of user {UserId} are erased, {Count} of them")]
    private static partial void LogErased(ILogger logger, string userId, int count);
}
