using Contracts;
using Contracts.Users;
using Dapr.Client;
using Users.Accounts;

namespace Users.Erasures;

/// <summary>Does the next step of erasures: the own part, then the announcement to the apps that hold data. Every step may be repeated.</summary>
internal sealed partial class ErasureService(
    ErasureStore erasures, AccountStore accounts, DaprClient dapr, ErasureMetrics metrics, ILogger<ErasureService> logger)
{
    /// <summary>Erases the account and tells the other apps. Throws when either fails: the erasure is stored, and the next round goes on.</summary>
    public async Task PursueAsync(Erasure erasure, CancellationToken cancellationToken)
    {
        await accounts.DeleteAsync(erasure.UserId, erasure.RequestedAt, cancellationToken);
        await ReportAsync(erasure.UserId, Apps.Users, cancellationToken);
        var message = erasure.ToEvent();
        await dapr.PublishEventAsync(
            Components.PubSub, UserTopics.UserDeleted, message, new Dictionary<string, string> { ["cloudevent.id"] = message.Id.ToString() }, cancellationToken);
    }

    /// <summary>An app holds nothing of the person any more. Idempotent by user and app.</summary>
    public async Task ReportAsync(string userId, string app, CancellationToken cancellationToken)
    {
        var (erasure, completed) = await erasures.ReportAsync(userId, app, cancellationToken);
        if (completed)
        {
            metrics.Completed();
            LogCompleted(logger, userId, erasure!.CompletedAt!.Value - erasure.RequestedAt);
        }
    }

    [LoggerMessage(1603, LogLevel.Information, "The data of user {UserId} is erased everywhere, {Duration} after the account was deleted")]
    private static partial void LogCompleted(ILogger logger, string userId, TimeSpan duration);
}
