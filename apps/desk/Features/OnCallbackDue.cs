using Contracts;
using Contracts.Desk;
using Dapr.Workflow;
using Desk.Callbacks;
using Grpc.Core;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Desk.Features;

/// <summary>
/// Starts the workflow of a delivery. Idempotent by the message's id, which is the instance id: what is delivered or under way is acknowledged as it is. A
/// message that was given up begins anew: somebody has replayed it, and with that wants its receiver to be asked again.
/// </summary>
internal static partial class OnCallbackDue
{
    public static void MapOnCallbackDue(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/on/callback-due", HandleAsync).WithDeadLetteredTopic(Components.PubSub, DeskTopics.CallbackDue);

    internal static async Task<IResult> HandleAsync(
        CallbackDue message, DaprWorkflowClient workflows, Deliveries deliveries, IOptions<CallbackOptions> options, ILogger<CallbackWorkflow> logger,
        CancellationToken cancellationToken)
    {
        // Without a log its owner has been erased, or it is replayed after all of it was forgotten.
        if (await deliveries.FindAsync(message.Id, cancellationToken) is not { State: not DeliveryState.Delivered } delivery)
        {
            return TypedResults.Ok();
        }

        if (delivery.State == DeliveryState.Dead)
        {
            await deliveries.ForgetGoneAsync(message.Url, cancellationToken);
            await deliveries.BeginAgainAsync(message.Id, cancellationToken);
        }

        try
        {
            await workflows.ScheduleNewWorkflowAsync(
                nameof(CallbackWorkflow), $"{message.Id}", new CallbackInput(
                    message, options.Value.WaitsBetween, options.Value.Jitter, options.Value.OwnRetryInterval, options.Value.OwnRetryTimeout));
            LogStarted(logger, message.Id);
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.AlreadyExists)
        {
            // It is under way.
        }

        return TypedResults.Ok();
    }

    [LoggerMessage(2201, LogLevel.Information, "Callback {CallbackId}: delivery begins")]
    private static partial void LogStarted(ILogger logger, Guid callbackId);
}
