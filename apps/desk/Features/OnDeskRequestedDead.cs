using System.Text.Json;
using Contracts;
using Contracts.Desk;
using Dapr.Workflow;
using Desk.Generation;
using ServiceDefaults;

namespace Desk.Features;

/// <summary>
/// A request that could not be started is ended as failed, and that is told, so that nobody waits for it; it is kept as a dead letter. When its workflow runs it was
/// a redelivery that failed, and the task goes on. Idempotent by the task and by the CloudEvent id.
/// </summary>
internal static partial class OnDeskRequestedDead
{
    public static void MapOnDeskRequestedDead(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/on/desk-requested-dead", HandleAsync).WithTopic(Components.PubSub, $"{DeskTopics.DeskRequested}-dead").WithReplicatedQueue();

    private static async Task<IResult> HandleAsync(
        DeskRequested message, HttpRequest request, DaprWorkflowClient workflows, TaskEnding ending, DeadLetterStore letters, TimeProvider time,
        ILogger<DeskService> logger, CancellationToken cancellationToken)
    {
        var isRunning = await workflows.GetWorkflowStateAsync($"{message.TaskId}", getInputsAndOutputs: false, cancellationToken) is { IsWorkflowRunning: true };
        if (!isRunning)
        {
            var error = new DeskError("TASK_NOT_STARTED", "the task could not be started");
            await ending.EndAsync(message, TaskResult.OfFailure(message, error, (long)(time.GetUtcNow() - message.Ts).TotalMilliseconds), cancellationToken);
        }

        LogDead(logger, message.TaskId, isRunning);
        await letters.StoreAsync(Components.PubSub, DeskTopics.DeskRequested, request, JsonSerializer.SerializeToElement(message, TandemJson.Options), cancellationToken);
        return TypedResults.Ok();
    }

    [LoggerMessage(2218, LogLevel.Error, "Task {TaskId}: its request came to the dead-letter topic; its workflow runs: {IsRunning}")]
    private static partial void LogDead(ILogger logger, Guid taskId, bool isRunning);
}
