using Contracts;
using Contracts.Scan;
using ServiceDefaults;
using Users.Accounts;

namespace Users.Features;

/// <summary>Grants the points and the character of a reward. Idempotent by (user, scan, job id).</summary>
internal static partial class OnScanRewarded
{
    public static void MapOnScanRewarded(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/on/scan-rewarded", HandleAsync)
            .WithDeadLetteredTopic(Components.PubSub, ScanTopics.ScanRewarded, Apps.Users);

    private static async Task<IResult> HandleAsync(
        ScanRewarded message, AccountStore accounts, ILogger<UsersService> logger, CancellationToken cancellationToken)
    {
        // (10) docs/architecture.md: recorded once, by the job's id.
        await accounts.UpdateAsync(message.UserId, account => account.Record(message), cancellationToken);
        LogGranted(logger, message.JobId);
        return TypedResults.Ok();
    }

    [LoggerMessage(1601, LogLevel.Information, "Job {JobId}: reward granted")]
    private static partial void LogGranted(ILogger logger, Guid jobId);
}
