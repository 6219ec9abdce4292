using Contracts;
using Contracts.Jobs;
using Contracts.Scan;
using Dapr.Workflow;
using ScanWorker.Stages;
using ServiceDefaults.JobLog;
using System.Text.Json;
using ServiceDefaults;

namespace ScanWorker.Features;

/// <summary>
/// A request that could not be started is ended as failed, so that nobody waits for it, and kept as a dead letter. When its workflow runs
/// it was a redelivery that failed, and the scan goes on. Idempotent by the key <c>done.failed</c> of the job's log and by the CloudEvent id.
/// </summary>
internal static partial class OnScanRequestedDead
{
    public static void MapOnScanRequestedDead(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/on/scan-requested-dead", EndAndStoreAsync).WithTopic(Components.PubSub, $"{ScanTopics.ScanRequested}-dead").WithReplicatedQueue();

    private static async Task<IResult> EndAndStoreAsync(
        ScanRequested message, HttpRequest request, DaprWorkflowClient workflows, JobLogClient log, DeadLetterStore letters, TimeProvider time,
        ILogger<ScanWorkerService> logger, CancellationToken cancellationToken)
    {
        if (await workflows.GetWorkflowStateAsync(message.JobId.ToString(), getInputsAndOutputs: false, cancellationToken) is { IsWorkflowRunning: true })
        {
            LogRunning(logger, message.JobId);
        }
        else
        {
            await HandleAsync(message, log, time, logger, cancellationToken);
        }

        await letters.StoreAsync(Components.PubSub, ScanTopics.ScanRequested, request, JsonSerializer.SerializeToElement(message, TandemJson.Options), cancellationToken);
        return TypedResults.Ok();
    }

    internal static async Task HandleAsync(
        ScanRequested message, JobLogClient log, TimeProvider time, ILogger<ScanWorkerService> logger, CancellationToken cancellationToken)
    {
        var result = new ScanResult(
            message.JobId, JobWords.Failed, "the scan could not be started", PipelineResult: null, Reward: null, Error: "SCAN_NOT_STARTED");
        try
        {
            await log.AppendAsync(
                message.JobId,
                new AppendJobEvents([new JobEventInput(
                    "done.failed", JobWords.Done, JobWords.Failed, 100, time.GetUtcNow(), JsonSerializer.SerializeToElement(result, TandemJson.Options), result.Message)]),
                cancellationToken);
            LogFailed(logger, message.JobId);
        }
        catch (JobClosedException)
        {
            // It ended otherwise; nothing to say.
        }
    }

    [LoggerMessage(1305, LogLevel.Error, "Job {JobId}: its request came to the dead-letter topic; ended as failed")]
    private static partial void LogFailed(ILogger logger, Guid jobId);

    [LoggerMessage(1307, LogLevel.Warning, "Job {JobId}: a redelivery of its request came to the dead-letter topic; its workflow runs on")]
    private static partial void LogRunning(ILogger logger, Guid jobId);
}
