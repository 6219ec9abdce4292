using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Sidecar.Api.Tests.Doors;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Runtime;

namespace Sidecar.Api.Tests;

/// <summary>The workflow methods of the runtime API (grpc §2). What the engine does is tested elsewhere, so no worker is connected.</summary>
public sealed class WorkflowGrpcTests : IAsyncLifetime
{
    private const string Service = "/dapr.proto.runtime.v1.Dapr/";

    private readonly TestRun _run = new TestRun().Component("store", "state.in-memory", "actorStateStore=true", "scopes: [orders]\n");
    private GrpcChannel _channel = null!;

    public async ValueTask InitializeAsync()
    {
        await _run.AppAsync("orders");
        await _run.AppAsync("storeless");
        await _run.StartAsync();
        _channel = GrpcDoor.Channel(_run);
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await _run.DisposeAsync();
    }

    [Theory]
    [InlineData("Beta1")]
    [InlineData("Alpha1")]
    public async Task An_instance_is_started_seen_and_controlled(string version)
    {
        var started = await _channel.UnaryAsync(
            $"{Service}StartWorkflow{version}",
            new StartWorkflowRequest { InstanceId = "order-1", WorkflowComponent = "dapr", WorkflowName = "Order", Input = ByteString.CopyFromUtf8("20") },
            StartWorkflowResponse.Parser);
        Assert.Equal("order-1", started.InstanceId);

        var state = await GetAsync(version);
        Assert.Equal(("order-1", "Order", "PENDING", "20"), (state.InstanceId, state.WorkflowName, state.RuntimeStatus, state.Properties["dapr.workflow.input"]));
        Assert.NotNull(state.CreatedAt);
        await FailsAsync(
            $"PurgeWorkflow{version}", new PurgeWorkflowRequest { InstanceId = "order-1", WorkflowComponent = "dapr" }, GrpcStatusCode.Internal, "ERR_PURGE_WORKFLOW");

        await DoneAsync($"PauseWorkflow{version}", new PauseWorkflowRequest { InstanceId = "order-1", WorkflowComponent = "dapr" });
        await DoneAsync($"ResumeWorkflow{version}", new ResumeWorkflowRequest { InstanceId = "order-1", WorkflowComponent = "dapr" });
        await DoneAsync(
            $"RaiseEventWorkflow{version}",
            new RaiseEventWorkflowRequest { InstanceId = "order-1", WorkflowComponent = "dapr", EventName = "paid", EventData = ByteString.CopyFromUtf8("1") });
        await DoneAsync($"TerminateWorkflow{version}", new TerminateWorkflowRequest { InstanceId = "order-1", WorkflowComponent = "dapr", AppId = "orders" });

        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while ((await GetAsync(version)).RuntimeStatus != "TERMINATED")
        {
            limit.Token.ThrowIfCancellationRequested();
        }

        await DoneAsync($"PurgeWorkflow{version}", new PurgeWorkflowRequest { InstanceId = "order-1", WorkflowComponent = "dapr" });
        await FailsAsync(
            $"GetWorkflow{version}", new GetWorkflowRequest { InstanceId = "order-1", WorkflowComponent = "dapr" }, GrpcStatusCode.NotFound, "ERR_INSTANCE_ID_NOT_FOUND");
    }

    [Fact]
    public async Task Errors_are_daprs()
    {
        StartWorkflowRequest Start(string id = "x", string component = "dapr", string name = "Order", string app = "") =>
            new() { InstanceId = id, WorkflowComponent = component, WorkflowName = name, AppId = app };
        var invalid = GrpcStatusCode.InvalidArgument;

        await FailsAsync("StartWorkflowBeta1", Start(component: ""), invalid, "ERR_WORKFLOW_COMPONENT_MISSING");
        await FailsAsync("StartWorkflowBeta1", Start(component: "temporal"), invalid, "ERR_WORKFLOW_COMPONENT_NOT_FOUND");
        await FailsAsync("StartWorkflowBeta1", Start(name: ""), invalid, "ERR_WORKFLOW_NAME_MISSING");
        await FailsAsync("StartWorkflowBeta1", Start(app: "other"), invalid, "ERR_WORKFLOW_APP_ID_INVALID");
        await FailsAsync("StartWorkflowBeta1", Start(id: new string('x', 65)), invalid, "ERR_INSTANCE_ID_TOO_LONG");
        await FailsAsync("StartWorkflowBeta1", Start(id: "a b"), invalid, "ERR_INSTANCE_ID_INVALID");
        await FailsAsync(
            "StartWorkflowBeta1", new StartWorkflowRequest { WorkflowComponent = "dapr", WorkflowName = "Order", Input = ByteString.CopyFrom(0xFF) }, invalid, "ERR_MALFORMED_REQUEST");
        await FailsAsync("GetWorkflowBeta1", new GetWorkflowRequest { WorkflowComponent = "dapr" }, invalid, "ERR_INSTANCE_ID_PROVIDED_MISSING");
        await FailsAsync("GetWorkflowBeta1", new GetWorkflowRequest { WorkflowComponent = "dapr", InstanceId = "none" }, GrpcStatusCode.NotFound, "ERR_INSTANCE_ID_NOT_FOUND");
        await FailsAsync("PurgeWorkflowBeta1", new PurgeWorkflowRequest { WorkflowComponent = "dapr", InstanceId = "none" }, GrpcStatusCode.NotFound, "ERR_INSTANCE_ID_NOT_FOUND");
        await FailsAsync(
            "RaiseEventWorkflowBeta1", new RaiseEventWorkflowRequest { WorkflowComponent = "dapr", InstanceId = "none" }, invalid, "ERR_WORKFLOW_EVENT_NAME_MISSING");
        await FailsAsync(
            "PauseWorkflowBeta1", new PauseWorkflowRequest { WorkflowComponent = "dapr", InstanceId = "none" }, GrpcStatusCode.Internal, "ERR_PAUSE_WORKFLOW");

        using var storeless = GrpcDoor.Channel(_run, 1);
        var error = await Assert.ThrowsAsync<GrpcException>(() => storeless.UnaryAsync($"{Service}StartWorkflowBeta1", Start(), StartWorkflowResponse.Parser));
        Assert.Equal("ERR_ACTOR_RUNTIME_NOT_FOUND", GrpcDoor.Info(error)!.Reason);
    }

    private Task<GetWorkflowResponse> GetAsync(string version) => _channel.UnaryAsync(
        $"{Service}GetWorkflow{version}", new GetWorkflowRequest { InstanceId = "order-1", WorkflowComponent = "dapr" }, GetWorkflowResponse.Parser);

    private Task<Empty> DoneAsync<TRequest>(string method, TRequest request) where TRequest : class, IMessage<TRequest> =>
        _channel.UnaryAsync(Service + method, request, Empty.Parser);

    private async Task FailsAsync<TRequest>(string method, TRequest request, GrpcStatusCode status, string reason) where TRequest : class, IMessage<TRequest>
    {
        var error = await Assert.ThrowsAsync<GrpcException>(() => DoneAsync(method, request));
        Assert.Equal((status, reason), (error.StatusCode, GrpcDoor.Info(error)?.Reason));
    }
}
