using Microsoft.Extensions.Logging;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Workflows;

namespace Dapr.Workflow.Worker;

/// <summary>The worker's log.</summary>
internal sealed partial class WorkflowWorker
{
    [LoggerMessage(6810, LogLevel.Information, "Workflow worker connected: {Workflows} workflows, {Activities} activities")]
    private static partial void LogConnected(ILogger logger, int workflows, int activities);

    [LoggerMessage(6811, LogLevel.Warning, "Workflow worker lost its stream and opens it again: {Reason}")]
    private static partial void LogStreamLost(ILogger logger, string reason);

    [LoggerMessage(6812, LogLevel.Information, "Workflow worker stopped")]
    private static partial void LogStopped(ILogger logger);

    [LoggerMessage(6813, LogLevel.Information, "No workflow and no activity is registered; the workflow worker does not start")]
    private static partial void LogNothingRegistered(ILogger logger);

    [LoggerMessage(6814, LogLevel.Error, "A turn of workflow {InstanceId} could not be run; its stream is ended, so that the engine repeats it")]
    private static partial void LogTurnFailed(ILogger logger, Exception exception, string instanceId);

    [LoggerMessage(6815, LogLevel.Warning, "Activity {Activity} of workflow {InstanceId} was given up and will be run again")]
    private static partial void LogActivityAbandoned(ILogger logger, Exception exception, string activity, string? instanceId);

    [LoggerMessage(6816, LogLevel.Information, "Activity {Activity}, task {TaskId} of workflow {InstanceId}, was handed out again while it is running")]
    private static partial void LogRedelivered(ILogger logger, string activity, int taskId, string? instanceId);

    [LoggerMessage(6817, LogLevel.Warning, "A work item of unknown kind {Kind} was ignored")]
    private static partial void LogUnknownItem(ILogger logger, WorkItem.RequestOneofCase kind);

    [LoggerMessage(6818, LogLevel.Debug, "Keep-alive call failed: {Status}")]
    private static partial void LogHelloFailed(ILogger logger, GrpcStatusCode status);
}
