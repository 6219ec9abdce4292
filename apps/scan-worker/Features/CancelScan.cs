using Contracts;
using Dapr.Workflow;
using Grpc.Core;
using ServiceDefaults;

namespace ScanWorker.Features;

/// <summary>
/// <c>POST /internal/scans/{job}/cancel</c>, called by scan after it has written the terminal event: stops the workflow so that
/// no further model is called. Terminating an unknown or finished instance is no error.
/// </summary>
internal static class CancelScan
{
    public static void MapCancelScan(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/internal/scans/{jobId:guid}/cancel", HandleAsync).RequireCaller(Apps.Scan);

    internal static async Task<IResult> HandleAsync(Guid jobId, DaprWorkflowClient workflows, CancellationToken cancellationToken)
    {
        try
        {
            await workflows.TerminateWorkflowAsync(jobId.ToString(), cancellation: cancellationToken);
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.NotFound)
        {
            // Not started yet; the closed log keeps it from starting.
        }

        return TypedResults.NoContent();
    }
}
