using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Logging;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Workflows;

namespace Dapr.Workflow.Worker;

/// <summary>Delivers the answers to work items, and asks for what an item leaves out.</summary>
internal sealed partial class Completions(SidecarConnection connection, TimeProvider timeProvider, ILogger logger)
{
    private const string Service = "/TaskHubSidecarService/";

    /// <summary>
    /// How often the result of an activity is offered to a sidecar that is away, and how long the next offer waits for
    /// the engine to hand the item out again. Together about a minute: longer than a sidecar needs to restart.
    /// </summary>
    private const int DeliveriesWhileAway = 12;

    /// <summary>
    /// How often it is offered to an engine that refuses it: right after a restart the item may not be pending again
    /// yet, but mostly the workflow has ended.
    /// </summary>
    private const int DeliveriesWhenRefused = 3;

    private static readonly TimeSpan RedeliveryWait = TimeSpan.FromSeconds(5);

    public IAsyncEnumerable<WorkItem> WorkItemsAsync(Action onConnected, CancellationToken cancellationToken) =>
        connection.Channel.ServerStreamAsync(
            Service + "GetWorkItems",
            new GetWorkItemsRequest(),
            WorkItem.Parser,
            new GrpcCallOptions { OnResponseStarted = onConnected },
            cancellationToken);

    public async Task HelloAsync(CancellationToken cancellationToken) =>
        await connection.Channel.UnaryAsync(Service + "Hello", new Empty(), Empty.Parser, cancellationToken: cancellationToken)
            .ConfigureAwait(false);

    public async Task AddStreamedHistoryAsync(WorkflowRequest request, CancellationToken cancellationToken)
    {
        var history = await connection.Channel.UnaryAsync(
            Service + "GetInstanceHistory",
            new GetInstanceHistoryRequest { InstanceId = request.InstanceId },
            GetInstanceHistoryResponse.Parser,
            cancellationToken: cancellationToken).ConfigureAwait(false);
        request.PastEvents.AddRange(history.Events);
    }

    /// <summary>An answer that cannot be delivered is dropped: the engine repeats the turn, which costs only the replay.</summary>
    public async Task CompleteWorkflowAsync(WorkflowResponse response, CancellationToken cancellationToken)
    {
        try
        {
            // The older name of CompleteWorkflowTask, which every runtime knows.
            await connection.Channel.UnaryAsync(
                Service + "CompleteOrchestratorTask", response, CompleteTaskResponse.Parser, cancellationToken: cancellationToken)
                .ConfigureAwait(false);
        }
        catch (GrpcException exception)
        {
            LogWorkflowUndelivered(logger, exception.StatusCode, response.InstanceId);
        }
    }

    /// <summary>
    /// A result is worth more than a turn, since running the activity again repeats its effect. When it cannot be
    /// delivered it is kept until the engine hands the item out again, and then answers with the new token.
    /// </summary>
    public async Task CompleteActivityAsync(ActivityRuns.Run run, ActivityResponse response, CancellationToken cancellationToken)
    {
        for (var deliveries = 1; ; deliveries++)
        {
            var token = run.Token;
            response.CompletionToken = token;
            try
            {
                await connection.Channel.UnaryAsync(
                    Service + "CompleteActivityTask", response, CompleteTaskResponse.Parser, cancellationToken: cancellationToken)
                    .ConfigureAwait(false);

                // Handed out again meanwhile: the engine may have ignored the token just sent.
                if (run.TryEnd(token))
                {
                    return;
                }
            }
            catch (GrpcException exception)
            {
                LogActivityUndelivered(logger, exception.StatusCode, response.InstanceId, response.TaskId);
                var away = exception.StatusCode is GrpcStatusCode.Unavailable or GrpcStatusCode.Cancelled or GrpcStatusCode.DeadlineExceeded;
                if (deliveries >= (away ? DeliveriesWhileAway : DeliveriesWhenRefused))
                {
                    return;
                }

                await WaitAsync(run.RedeliveryAsync(token), cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task WaitAsync(Task redelivery, CancellationToken cancellationToken)
    {
        try
        {
            await redelivery.WaitAsync(RedeliveryWait, timeProvider, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // Offered once more with the same token.
        }
    }

    [LoggerMessage(6801, LogLevel.Warning, "The turn of workflow {InstanceId} was not delivered ({Status}); the engine repeats it")]
    private static partial void LogWorkflowUndelivered(ILogger logger, GrpcStatusCode status, string instanceId);

    [LoggerMessage(6802, LogLevel.Warning, "The result of task {TaskId} of workflow {InstanceId} was not delivered ({Status})")]
    private static partial void LogActivityUndelivered(ILogger logger, GrpcStatusCode status, string instanceId, int taskId);
}
