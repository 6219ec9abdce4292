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

    /// <summary>How often the answer to a turn is offered to an engine that does not take it for now.</summary>
    private const int DeliveriesOfTurn = 3;

    private static readonly TimeSpan RedeliveryWait = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan TurnRedeliveryWait = TimeSpan.FromMilliseconds(200);

    public IAsyncEnumerable<WorkItem> WorkItemsAsync(string streamId, Action onConnected, CancellationToken cancellationToken) =>
        connection.Channel.ServerStreamAsync(
            Service + "GetWorkItems",
            new GetWorkItemsRequest(),
            WorkItem.Parser,
            new GrpcCallOptions { Headers = [new(WorkItemDrain.StreamIdHeader, streamId)], OnResponseStarted = _ => onConnected() },
            cancellationToken);

    /// <summary>Asks for no further items. False when the engine knows no such request: it goes on handing out.</summary>
    public async Task<bool> TryDrainAsync(string streamId, CancellationToken cancellationToken)
    {
        try
        {
            await connection.Channel.UnaryAsync(
                Service + WorkItemDrain.Method, new StringValue { Value = streamId }, Empty.Parser, cancellationToken: cancellationToken)
                .ConfigureAwait(false);
            return true;
        }
        catch (Exception exception) when (exception is GrpcException or OperationCanceledException)
        {
            return false;
        }
    }

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

    /// <summary>
    /// Delivers the answer to a turn. One that the engine will never take, mostly because it is too large, is replaced
    /// by a failure of the workflow. False when the engine still waits for an answer: it repeats the turn only after
    /// the end of the stream.
    /// </summary>
    public async Task<bool> CompleteWorkflowAsync(WorkflowResponse response, CancellationToken cancellationToken)
    {
        var answer = response;
        for (var deliveries = 1; ; deliveries++)
        {
            try
            {
                // The older name of CompleteWorkflowTask, which every runtime knows.
                await connection.Channel.UnaryAsync(
                    Service + "CompleteOrchestratorTask", answer, CompleteTaskResponse.Parser, cancellationToken: cancellationToken)
                    .ConfigureAwait(false);
                return true;
            }
            catch (GrpcException exception)
            {
                LogWorkflowUndelivered(logger, exception.StatusCode, response.InstanceId);
                if (exception.StatusCode == GrpcStatusCode.NotFound)
                {
                    return true; // The turn is not in flight any more: answered, handed to another worker, or ended.
                }

                if (IsRefusal(exception) && answer == response)
                {
                    answer = new WorkflowResponse
                    {
                        InstanceId = response.InstanceId,
                        CompletionToken = response.CompletionToken,
                        Actions =
                        {
                            new WorkflowAction
                            {
                                CompleteWorkflow = new CompleteWorkflowAction
                                {
                                    WorkflowStatus = OrchestrationStatus.Failed,
                                    FailureDetails = Refusal(exception),
                                },
                            },
                        },
                    };
                }
                else if (IsAway(exception) && deliveries < DeliveriesOfTurn)
                {
                    await Task.Delay(TurnRedeliveryWait, timeProvider, cancellationToken).ConfigureAwait(false);
                }
                else
                {
                    return false;
                }
            }
        }
    }

    /// <summary>
    /// A result is worth more than a turn, since running the activity again repeats its effect. When it cannot be
    /// delivered it is kept until the engine hands the item out again, and then answers with the new token. One that the
    /// engine will never take is replaced by a failure. False when the engine may still wait for an answer.
    /// </summary>
    public async Task<bool> CompleteActivityAsync(ActivityRuns.Run run, ActivityResponse response, CancellationToken cancellationToken)
    {
        var answer = response;
        for (var deliveries = 1; ; deliveries++)
        {
            var token = run.Token;
            answer.CompletionToken = token;
            try
            {
                await connection.Channel.UnaryAsync(
                    Service + "CompleteActivityTask", answer, CompleteTaskResponse.Parser, cancellationToken: cancellationToken)
                    .ConfigureAwait(false);

                // Handed out again meanwhile: the engine may have ignored the token just sent.
                if (run.TryEnd(token))
                {
                    return true;
                }
            }
            catch (GrpcException exception)
            {
                LogActivityUndelivered(logger, exception.StatusCode, response.InstanceId, response.TaskId);
                if (IsRefusal(exception))
                {
                    if (answer != response)
                    {
                        return false;
                    }

                    answer = new ActivityResponse
                    {
                        InstanceId = response.InstanceId, TaskId = response.TaskId, FailureDetails = Refusal(exception),
                    };
                    continue;
                }

                if (deliveries >= (IsAway(exception) ? DeliveriesWhileAway : DeliveriesWhenRefused))
                {
                    if (run.TryEnd(token))
                    {
                        return exception.StatusCode == GrpcStatusCode.NotFound;
                    }

                    continue; // Handed out again just now: that one wants the answer.
                }

                await WaitAsync(run.RedeliveryAsync(token), cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>The engine would answer the same message in the same way again.</summary>
    private static bool IsRefusal(GrpcException exception) =>
        exception.StatusCode is GrpcStatusCode.ResourceExhausted or GrpcStatusCode.InvalidArgument or GrpcStatusCode.Internal;

    private static bool IsAway(GrpcException exception) =>
        exception.StatusCode is GrpcStatusCode.Unavailable or GrpcStatusCode.Cancelled or GrpcStatusCode.DeadlineExceeded;

    private static TaskFailureDetails Refusal(GrpcException exception) => FailureDetails.Create(
        exception.StatusCode == GrpcStatusCode.ResourceExhausted ? "PAYLOAD_TOO_LARGE" : "ANSWER_REFUSED",
        $"The workflow engine does not take the answer of the worker: {exception.Message}");

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

    [LoggerMessage(6801, LogLevel.Warning, "The turn of workflow {InstanceId} was not delivered ({Status})")]
    private static partial void LogWorkflowUndelivered(ILogger logger, GrpcStatusCode status, string instanceId);

    [LoggerMessage(6802, LogLevel.Warning, "The result of task {TaskId} of workflow {InstanceId} was not delivered ({Status})")]
    private static partial void LogActivityUndelivered(ILogger logger, GrpcStatusCode status, string instanceId, int taskId);
}
