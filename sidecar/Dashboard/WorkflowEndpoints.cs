using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Sidecar.Abstractions;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Workflows;

namespace Dashboard;

/// <summary>
/// <c>GET /api/workflows/{app}?after=</c>: a page of instances, by id; <c>GET /api/workflows/{app}/{id}</c>: one instance with its steps.
/// </summary>
internal static class WorkflowEndpoints
{
    private const uint PageSize = 50;

    public static void MapWorkflows(this WebApplication app)
    {
        app.MapGet("/api/workflows/{app}", ListAsync);
        app.MapGet("/api/workflows/{app}/{**id}", GetAsync);
    }

    private static async Task<Results<Ok<InstancePage>, ProblemHttpResult>> ListAsync(
        string app, string? after, Sidecars sidecars, CancellationToken cancellationToken)
    {
        if (sidecars.Find(app) is not { } sidecar)
        {
            return Unknown(app);
        }

        try
        {
            var request = new ListInstanceIDsRequest { PageSize = PageSize };
            if (after is not null)
            {
                request.ContinuationToken = after;
            }

            var ids = await sidecars.WorkflowsAsync(sidecar, "ListInstanceIDs", request, ListInstanceIDsResponse.Parser, cancellationToken);
            var instances = await Task.WhenAll(ids.InstanceIds.Select(id => FindAsync(sidecars, sidecar, id, details: false, cancellationToken)));
            return TypedResults.Ok(new InstancePage([.. instances.OfType<InstanceView>()], ids.HasContinuationToken ? ids.ContinuationToken : null));
        }
        catch (GrpcException exception)
        {
            return Failed(exception);
        }
    }

    private static async Task<Results<Ok<InstanceHistory>, ProblemHttpResult>> GetAsync(
        string app, string id, Sidecars sidecars, CancellationToken cancellationToken)
    {
        if (sidecars.Find(app) is not { } sidecar)
        {
            return Unknown(app);
        }

        try
        {
            if (await FindAsync(sidecars, sidecar, id, details: true, cancellationToken) is not { } instance)
            {
                return TypedResults.Problem($"no workflow '{id}' in {app}", statusCode: StatusCodes.Status404NotFound);
            }

            var history = await sidecars.WorkflowsAsync(
                sidecar, "GetInstanceHistory", new GetInstanceHistoryRequest { InstanceId = id }, GetInstanceHistoryResponse.Parser, cancellationToken);
            return TypedResults.Ok(new InstanceHistory(instance, WorkflowSteps.Of(history.Events)));
        }
        catch (GrpcException exception)
        {
            return Failed(exception);
        }
    }

    private static async Task<InstanceView?> FindAsync(Sidecars sidecars, SidecarInstance sidecar, string id, bool details, CancellationToken cancellationToken)
    {
        var request = new GetInstanceRequest { InstanceId = id, GetInputsAndOutputs = details };
        var answer = await sidecars.WorkflowsAsync(sidecar, "GetInstance", request, GetInstanceResponse.Parser, cancellationToken);
        return answer is not { Exists: true, WorkflowState: { } state } ? null : new InstanceView(
            id, state.Name, state.WorkflowStatus.ToString(), state.CreatedTimestamp?.ToDateTimeOffset(), state.LastUpdatedTimestamp?.ToDateTimeOffset(),
            state.CompletedTimestamp?.ToDateTimeOffset(), state.ParentInstanceId, state.CustomStatus, state.Input, state.Output,
            state.FailureDetails?.ErrorMessage);
    }

    private static ProblemHttpResult Unknown(string app) => TypedResults.Problem($"no app '{app}' in the run", statusCode: StatusCodes.Status404NotFound);

    /// <summary>An app without a store for workflows is one too: the reason is for the reader.</summary>
    private static ProblemHttpResult Failed(GrpcException exception) =>
        TypedResults.Problem(exception.Detail, statusCode: StatusCodes.Status502BadGateway);

    private sealed record InstancePage(IReadOnlyList<InstanceView> Instances, string? Next);

    private sealed record InstanceHistory(InstanceView Instance, IReadOnlyList<WorkflowStep> Steps);

    /// <summary>A workflow instance; input, output and failure only where one instance is asked for.</summary>
    private sealed record InstanceView(
        string Id, string Name, string Status, DateTimeOffset? Created, DateTimeOffset? Updated, DateTimeOffset? Completed, string? Parent,
        string? CustomStatus, string? Input, string? Output, string? Failure);
}
