using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Sidecar.Workflows;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Runtime;

namespace Sidecar.Api.Grpc;

/// <summary>The workflow API that matches the HTTP one over gRPC (grpc §2); SDKs of today call TaskHubSidecarService instead.</summary>
internal static class WorkflowGrpc
{
    public static void MapWorkflows(this GrpcApi api, WorkflowApi workflows)
    {
        foreach (var version in (string[])["Alpha1", "Beta1"])
        {
            void Add<TRequest, TResponse>(
                string verb, MessageParser<TRequest> parser, Func<TRequest, (string Component, string AppId)> target,
                Func<WorkflowEngine, TRequest, GrpcCallContext, Task<TResponse>> run)
                where TRequest : class, IMessage<TRequest>
                where TResponse : class, IMessage<TResponse> =>
                api.Unary($"workflows.v1{version.ToLowerInvariant()}", $"{verb}Workflow{version}", parser, (request, context) =>
                {
                    var (component, appId) = target(request);
                    return run(workflows.Engine(context.App(), component, appId), request, context);
                });

            Add("Start", StartWorkflowRequest.Parser, r => (r.WorkflowComponent, r.AppId), StartAsync);
            Add("Get", GetWorkflowRequest.Parser, r => (r.WorkflowComponent, r.AppId), GetAsync);
            Add("RaiseEvent", RaiseEventWorkflowRequest.Parser, r => (r.WorkflowComponent, r.AppId), (e, r, c) =>
                Done(WorkflowApi.RaiseEventAsync(e, r.InstanceId, r.EventName, r.EventData.Memory, c.CancellationToken)));
            Add("Pause", PauseWorkflowRequest.Parser, r => (r.WorkflowComponent, r.AppId), (e, r, c) =>
                Done(WorkflowApi.PauseAsync(e, r.InstanceId, c.CancellationToken)));
            Add("Resume", ResumeWorkflowRequest.Parser, r => (r.WorkflowComponent, r.AppId), (e, r, c) =>
                Done(WorkflowApi.ResumeAsync(e, r.InstanceId, c.CancellationToken)));
            Add("Terminate", TerminateWorkflowRequest.Parser, r => (r.WorkflowComponent, r.AppId), (e, r, c) =>
                Done(WorkflowApi.TerminateAsync(e, r.InstanceId, c.CancellationToken)));
            Add("Purge", PurgeWorkflowRequest.Parser, r => (r.WorkflowComponent, r.AppId), (e, r, c) =>
                Done(WorkflowApi.PurgeAsync(e, r.InstanceId, c.CancellationToken)));
        }
    }

    private static async Task<StartWorkflowResponse> StartAsync(WorkflowEngine engine, StartWorkflowRequest request, GrpcCallContext context) => new()
    {
        InstanceId = await WorkflowApi.StartAsync(
            engine, request.WorkflowName, request.InstanceId, request.Input.Memory, context.RequestHeaders, context.CancellationToken),
    };

    private static async Task<GetWorkflowResponse> GetAsync(WorkflowEngine engine, GetWorkflowRequest request, GrpcCallContext context)
    {
        var state = await WorkflowApi.GetAsync(engine, request.InstanceId, context.CancellationToken);
        var response = new GetWorkflowResponse
        {
            InstanceId = state.InstanceId,
            WorkflowName = state.Name,
            CreatedAt = state.CreatedTimestamp,
            LastUpdatedAt = state.LastUpdatedTimestamp,
            RuntimeStatus = WorkflowApi.StatusName(state.WorkflowStatus),
        };
        response.Properties.Add(WorkflowApi.Properties(state));
        return response;
    }

    private static async Task<Empty> Done(Task operation)
    {
        await operation;
        return new Empty();
    }
}
