using Dapr;
using Microsoft.AspNetCore.Http.HttpResults;
using ServiceDefaults;
using Users.Accounts;
using Users.Erasures;

namespace Users.Features;

/// <summary>
/// <c>DELETE /api/v1/users/me</c>: 204 when the erasure of the caller's data is stored; from then on it is pursued until every app has reported.
/// Idempotent by user: repeated it is announced again and answers the same; 404 USER_NOT_FOUND for somebody who never had an account.
/// </summary>
internal static partial class DeleteMe
{
    public static void MapDeleteMe(this IEndpointRouteBuilder users) => users.MapDelete("/me", HandleAsync).WithName(nameof(DeleteMe)).WithSummary("Deletes my account and all its data");

    private static async Task<Results<NoContent, ProblemHttpResult>> HandleAsync(
        UserIdentity user, AccountStore accounts, ErasureStore erasures, ErasureService service, ILogger<ErasureService> logger, CancellationToken cancellationToken)
    {
        var erasure = await erasures.FindAsync(user.Id, cancellationToken);
        if (erasure is null && await accounts.FindAsync(user, cancellationToken) is null)
        {
            return Me.NotFound();
        }

        // 1. Saved: whatever happens now, it will be done. 2. The account, 3. the other apps. 4. The answer.
        erasure ??= await erasures.BeginAsync(user.Id, cancellationToken);
        try
        {
            await service.PursueAsync(erasure, cancellationToken);
            LogDeleted(logger, user.Id);
        }
        catch (DaprException exception)
        {
            LogLater(logger, user.Id, exception.Message);
        }

        return TypedResults.NoContent();
    }

    [LoggerMessage(1602, LogLevel.Information, "Account {UserId} is deleted; the other apps erase what they hold")]
    private static partial void LogDeleted(ILogger logger, string userId);

    [LoggerMessage(1605, LogLevel.Warning, "The erasure of user {UserId} is stored but not announced yet ({Reason}); the next round of cron-erasures does it")]
    private static partial void LogLater(ILogger logger, string userId, string reason);
}
