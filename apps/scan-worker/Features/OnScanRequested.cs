using Contracts;
using Contracts.Scan;
using ServiceDefaults;
using Dapr.Workflow;
using Grpc.Core;
using Microsoft.Extensions.Options;
using ScanWorker.Workflows;
using ServiceDefaults.JobLog;

namespace ScanWorker.Features;

/// <summary>
/// Starts a scan's workflow and does nothing else. Idempotent by job id, which is the instance id: a job whose log is closed
/// or whose instance exists (running or finished; finished ones stay 24 h, longer than any redelivery) is acknowledged as it is.
/// </summary>
internal static partial class OnScanRequested
{
    /// <summary>Question asked when the person gave none.</summary>
    public const string DefaultUserInput = "이 폐기물을 어떻게 분리배출해야 하나요?";

    public static void MapOnScanRequested(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/on/scan-requested", HandleAsync)
            .WithDeadLetteredTopic(Components.PubSub, ScanTopics.ScanRequested);

    internal static async Task<IResult> HandleAsync(
        ScanRequested message, DaprWorkflowClient workflows, JobLogClient log, IOptions<ScanWorkerOptions> options,
        ILogger<ScanWorkflow> logger, CancellationToken cancellationToken)
    {
        var id = message.JobId.ToString();
        if (await log.GetAsync(message.JobId, after: long.MaxValue, cancellationToken) is not { Terminal: null } job)
        {
            LogClosed(logger, message.JobId);
            return TypedResults.Ok();
        }

        if (await workflows.GetWorkflowStateAsync(id, getInputsAndOutputs: false, cancellationToken) is { Exists: true })
        {
            LogKnown(logger, message.JobId);
            return TypedResults.Ok();
        }

        var input = new ScanInput(
            message.JobId, message.UserId, message.ImageKey,
            string.IsNullOrWhiteSpace(message.UserInput) ? DefaultUserInput : message.UserInput, message.Model,
            new RetryPlan(options.Value.StageRetries, options.Value.StageRetryDelay), job.Deadline);
        try
        {
            // (6) docs/architecture.md: one workflow per job.
            await workflows.ScheduleNewWorkflowAsync(nameof(ScanWorkflow), id, input);
            LogStarted(logger, message.JobId);
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.AlreadyExists)
        {
            LogKnown(logger, message.JobId);
        }

        return TypedResults.Ok();
    }

    [LoggerMessage(1302, LogLevel.Information, "Job {JobId}: workflow started")]
    private static partial void LogStarted(ILogger logger, Guid jobId);

    [LoggerMessage(1303, LogLevel.Information, "Job {JobId}: redelivered, its workflow exists")]
    private static partial void LogKnown(ILogger logger, Guid jobId);

    [LoggerMessage(1304, LogLevel.Information, "Job {JobId}: redelivered or cancelled, its log is closed or gone")]
    private static partial void LogClosed(ILogger logger, Guid jobId);
}
