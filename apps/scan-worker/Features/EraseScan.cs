using Contracts;
using Dapr.Client;
using Dapr.Workflow;
using Grpc.Core;
using ScanWorker.Stages;
using ServiceDefaults;

namespace ScanWorker.Features;

/// <summary>
/// <c>DELETE /internal/scans/{job}</c>, called by scan when the owner's account was deleted and the job has ended: erases the stored results and the
/// workflow with its history. 204, also when there is nothing; 503 while the workflow is still ending, so that the caller repeats. A stage that is under
/// way takes back its result when it finds the log closed.
/// </summary>
internal static class EraseScan
{
    public static void MapEraseScan(this IEndpointRouteBuilder routes) =>
        routes.MapDelete("/internal/scans/{jobId:guid}", HandleAsync).WithName(nameof(EraseScan)).RequireCaller(Apps.Scan);

    private static async Task<IResult> HandleAsync(Guid jobId, DaprWorkflowClient workflows, DaprClient dapr, CancellationToken cancellationToken)
    {
        var id = jobId.ToString();
        if (await workflows.GetWorkflowStateAsync(id, getInputsAndOutputs: false, cancellationToken) is { Exists: true } state)
        {
            if (state.IsWorkflowRunning)
            {
                await CancelScan.HandleAsync(jobId, workflows, cancellationToken);
            }

            try
            {
                await workflows.PurgeInstanceAsync(id, cancellationToken);
            }
            catch (RpcException exception) when (exception.StatusCode == StatusCode.NotFound)
            {
                // Somebody else was faster.
            }

            if (await workflows.GetWorkflowStateAsync(id, getInputsAndOutputs: false, cancellationToken) is { Exists: true })
            {
                return Problems.Of(503, "SCAN_STILL_ENDING", "the workflow of the scan has not ended yet; repeat the call");
            }
        }

        foreach (var stage in (Stage[])[Stage.Vision, Stage.Rule, Stage.Answer, Stage.Reward])
        {
            await dapr.DeleteStateAsync(Components.StateStore, StageRunner.ResultKey(jobId, stage), cancellationToken: cancellationToken);
        }

        return TypedResults.NoContent();
    }
}
