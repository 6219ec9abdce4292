using Contracts;
using Contracts.Jobs;
using Contracts.Users;
using Dapr.Client;
using Dapr.Workflow;
using Desk.Callbacks;
using Desk.Generation;
using Desk.Tasks;
using Grpc.Core;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.Erasure;
using ServiceDefaults.JobLog;

namespace Desk.Features;

/// <summary>
/// Erases a person's tasks, running ones with their workflows, and the logs of the callbacks; then reports it. Attempts that were planned are not made any more.
/// Idempotent by user; broken off it begins again with what is listed. The pictures are erased by images, which knows their owner. Judgements of pictures stay for
/// their day: they name nobody.
/// </summary>
internal static partial class OnUserDeleted
{
    public static void MapOnUserDeleted(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/on/user-deleted", HandleAsync).WithDeadLetteredTopic(Components.PubSub, UserTopics.UserDeleted, Apps.Desk);

    private static async Task<IResult> HandleAsync(
        UserDeleted message, UserTasks tasks, Deliveries deliveries, TaskEraser eraser, ErasureReports reports, IOptions<ErasureOptions> options,
        ILogger<DeskService> logger, CancellationToken cancellationToken)
    {
        // 1. No new tasks. 2. Those that there are. 3. The mark alone stays. 4. Callbacks. 5. The report.
        var kept = options.Value.TombstoneKept;
        var erased = await tasks.BeginErasureAsync(message.UserId, message.Ts, kept, cancellationToken);
        foreach (var task in erased)
        {
            await eraser.EraseAsync(task, cancellationToken);
        }

        await tasks.EndErasureAsync(message.UserId, kept, cancellationToken);
        var callbacks = await deliveries.EraseAsync(message.UserId, message.Ts, kept, cancellationToken);
        await reports.SendAsync(Apps.Desk, message, cancellationToken);
        LogErased(logger, message.UserId, erased.Count, callbacks);
        return TypedResults.Ok();
    }

    [LoggerMessage(2203, LogLevel.Information, "The tasks and callbacks of user {UserId} are erased, {Tasks} and {Callbacks} of them")]
    private static partial void LogErased(ILogger logger, string userId, int tasks, int callbacks);
}
