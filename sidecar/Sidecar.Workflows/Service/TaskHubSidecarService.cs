using Google.Protobuf.WellKnownTypes;
using Microsoft.AspNetCore.Http;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Workflows;

namespace Sidecar.Workflows.Service;

/// <summary>The gRPC service <c>TaskHubSidecarService</c> (grpc §4) on a <see cref="WorkflowEngine"/>.</summary>
public static class TaskHubSidecarService
{
    /// <summary>
    /// Makes the service. The engine is asked for at each call; the function throws <see cref="GrpcException"/> or
    /// <see cref="WorkflowException"/> when the app has none. Histories grow without limit, so map it without a limit of
    /// the size of sent messages.
    /// </summary>
    public static GrpcService Create(Func<HttpContext, WorkflowEngine> engine)
    {
        var service = new GrpcService("TaskHubSidecarService");

        void Unary<TRequest, TResponse>(
            string method, Google.Protobuf.MessageParser<TRequest> parser, Func<WorkflowEngine, TRequest, CancellationToken, Task<TResponse>> handler)
            where TRequest : class, Google.Protobuf.IMessage<TRequest>
            where TResponse : class, Google.Protobuf.IMessage<TResponse> =>
            service.Unary<TRequest, TResponse>(method, parser, (request, context) =>
                TranslateAsync(() => handler(Started(engine, context), request, context.CancellationToken)));

        Unary("Hello", Empty.Parser, (_, _, _) => Task.FromResult(new Empty()));
        Unary("StartInstance", CreateInstanceRequest.Parser, async (e, r, ct) => new CreateInstanceResponse { InstanceId = await e.At(r.Router).StartInstanceAsync(r, ct) });
        Unary("GetInstance", GetInstanceRequest.Parser, async (e, r, ct) => Found(await e.At(r.Router).GetInstanceAsync(r.InstanceId, r.GetInputsAndOutputs, ct)));
        Unary("WaitForInstanceStart", GetInstanceRequest.Parser, async (e, r, ct) => Found(await e.At(r.Router).WaitForStartAsync(r.InstanceId, r.GetInputsAndOutputs, ct)));
        Unary("WaitForInstanceCompletion", GetInstanceRequest.Parser, async (e, r, ct) => Found(await e.At(r.Router).WaitForCompletionAsync(r.InstanceId, r.GetInputsAndOutputs, ct)));
        Unary("RaiseEvent", RaiseEventRequest.Parser, (e, r, ct) => Answer(e.At(r.Router).RaiseEventAsync(r.InstanceId, r.Name, r.Input, ct), new RaiseEventResponse()));
        Unary("TerminateInstance", TerminateRequest.Parser, (e, r, ct) => Answer(e.At(r.Router).TerminateAsync(r.InstanceId, r.Output, r.Recursive, ct), new TerminateResponse()));
        Unary("SuspendInstance", SuspendRequest.Parser, (e, r, ct) => Answer(e.At(r.Router).SuspendAsync(r.InstanceId, r.Reason, ct), new SuspendResponse()));
        Unary("ResumeInstance", ResumeRequest.Parser, (e, r, ct) => Answer(e.At(r.Router).ResumeAsync(r.InstanceId, r.Reason, ct), new ResumeResponse()));
        Unary("PurgeInstances", PurgeInstancesRequest.Parser, PurgeAsync);
        Unary("CompleteActivityTask", ActivityResponse.Parser, (e, r, ct) => Answer(e.CompleteActivityAsync(r, ct), new CompleteTaskResponse()));
        Unary("CompleteOrchestratorTask", WorkflowResponse.Parser, (e, r, ct) => Answer(e.CompleteTurnAsync(r, ct), new CompleteTaskResponse()));
        Unary("CompleteWorkflowTask", WorkflowResponse.Parser, (e, r, ct) => Answer(e.CompleteTurnAsync(r, ct), new CompleteTaskResponse()));
        Unary(WorkItemDrain.Method, StringValue.Parser, (e, r, ct) => Answer(e.DrainStreamAsync(r.Value, ct), new Empty()));
        Unary("ListInstanceIDs", ListInstanceIDsRequest.Parser, ListAsync);
        Unary("GetInstanceHistory", GetInstanceHistoryRequest.Parser, async (e, r, ct) =>
            new GetInstanceHistoryResponse { Events = { await e.GetHistoryAsync(r.InstanceId, ct) } });
        Unary("RerunWorkflowFromEvent", RerunWorkflowFromEventRequest.Parser, async (e, r, ct) =>
            new RerunWorkflowFromEventResponse { NewInstanceID = await e.At(r.Router).RerunAsync(r, ct) });
        service.ServerStreaming<GetWorkItemsRequest, WorkItem>("GetWorkItems", GetWorkItemsRequest.Parser, (request, stream, context) =>
            TranslateAsync(async () =>
            {
                var streamId = context.RequestHeaders[WorkItemDrain.StreamIdHeader].ToString();
                var keepsHistories = request.Capabilities.Contains(WorkerCapability.StatefulHistory);
                await Started(engine, context).RunStreamAsync(streamId, keepsHistories, stream.WriteAsync, context.CancellationToken);
                return true;
            }));
        return service;
    }

    private static WorkflowEngine Started(Func<HttpContext, WorkflowEngine> engine, GrpcCallContext context) =>
        engine(context.HttpContext) is { IsStarted: true } started
            ? started
            : throw new WorkflowException(WorkflowError.Unavailable, "the workflow engine is starting");

    private static async Task<PurgeInstancesResponse> PurgeAsync(WorkflowEngine engine, PurgeInstancesRequest request, CancellationToken cancellationToken)
    {
        engine = engine.At(request.Router);
        var count = request.RequestCase switch
        {
            PurgeInstancesRequest.RequestOneofCase.PurgeInstanceFilter =>
                await engine.PurgeAsync(request.PurgeInstanceFilter, request.Recursive, request.Force, cancellationToken),
            PurgeInstancesRequest.RequestOneofCase.InstanceId when request.InstanceId.Length > 0 =>
                await engine.PurgeAsync(request.InstanceId, request.Recursive, request.Force, cancellationToken),
            _ => throw new WorkflowException(WorkflowError.InvalidArgument, "an instance id or a filter is needed"),
        };
        return new PurgeInstancesResponse { DeletedInstanceCount = count, IsComplete = true };
    }

    private static async Task<ListInstanceIDsResponse> ListAsync(WorkflowEngine engine, ListInstanceIDsRequest request, CancellationToken cancellationToken)
    {
        var (ids, next) = await engine.ListInstanceIdsAsync(
            request.HasContinuationToken ? request.ContinuationToken : null, (int)Math.Min(request.PageSize, int.MaxValue), cancellationToken);
        var response = new ListInstanceIDsResponse { InstanceIds = { ids } };
        if (next is not null)
        {
            response.ContinuationToken = next;
        }

        return response;
    }

    private static GetInstanceResponse Found(WorkflowState? state) => new() { Exists = state is not null, WorkflowState = state };

    private static async Task<T> Answer<T>(Task operation, T response)
    {
        await operation;
        return response;
    }

    private static async Task<T> TranslateAsync<T>(Func<Task<T>> operation)
    {
        try
        {
            return await operation();
        }
        catch (WorkflowException exception)
        {
            throw new GrpcException(StatusOf(exception.Error), exception.Message, exception);
        }
    }

    private static GrpcStatusCode StatusOf(WorkflowError error) => error switch
    {
        WorkflowError.InvalidArgument => GrpcStatusCode.InvalidArgument,
        WorkflowError.NotFound => GrpcStatusCode.NotFound,
        WorkflowError.AlreadyExists => GrpcStatusCode.AlreadyExists,
        WorkflowError.FailedPrecondition => GrpcStatusCode.FailedPrecondition,
        _ => GrpcStatusCode.Unavailable,
    };
}
