using Contracts;
using Contracts.Desk;
using Dapr.Workflow;
using Desk.Generation;
using Grpc.Core;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.JobLog;

namespace Desk.Features;

/// <summary>
/// Starts a task's workflow and does nothing else. Idempotent by task id, which is the instance id: a task whose log is closed or whose instance exists (running or
/// finished; finished ones stay 24 h, longer than any redelivery) is acknowledged as it is.
/// </summary>
internal static partial class OnDeskRequested
{
    public static void MapOnDeskRequested(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/on/desk-requested", HandleAsync).WithDeadLetteredTopic(Components.PubSub, DeskTopics.DeskRequested);

    private static async Task<IResult> HandleAsync(
        DeskRequested message, DaprWorkflowClient workflows, JobLogClient log, IOptions<GenerationOptions> options, ILogger<GenerateWorkflow> logger,
        CancellationToken cancellationToken)
    {
        var id = $"{message.TaskId}";
        if (await log.GetAsync(message.TaskId, after: long.MaxValue, cancellationToken) is not { Terminal: null }
            || await workflows.GetWorkflowStateAsync(id, getInputsAndOutputs: false, cancellationToken) is { Exists: true })
        {
            LogKnown(logger, message.TaskId);
            return TypedResults.Ok();
        }

        try
        {
            await workflows.ScheduleNewWorkflowAsync(
                nameof(GenerateWorkflow), id, new GenerateInput(message, options.Value.StepRetries, options.Value.StepRetryDelay));
            LogStarted(logger, message.TaskId);
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.AlreadyExists)
        {
            LogKnown(logger, message.TaskId);
        }

        return TypedResults.Ok();
    }

    [LoggerMessage(2216, LogLevel.Information, "Task {TaskId}: workflow started")]
    private static partial void LogStarted(ILogger logger, Guid taskId);

    [LoggerMessage(2217, LogLevel.Information, "Task {TaskId}: redelivered, it has ended or its workflow exists")]
    private static partial void LogKnown(ILogger logger, Guid taskId);
}
