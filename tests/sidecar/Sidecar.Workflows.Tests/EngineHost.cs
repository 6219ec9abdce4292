using Google.Protobuf.WellKnownTypes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sidecar.Abstractions;
using Sidecar.Workflows.Service;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Workflows;

namespace Sidecar.Workflows.Tests;

/// <summary>The gRPC service on a socket, with an engine that can be dropped and replaced.</summary>
internal sealed class EngineHost : IAsyncDisposable
{
    public const string AppId = "app";
    public static string Prefix { get; } = WorkflowEngine.DefaultKeyPrefix(AppId);

    private readonly WebApplication _app;
    private readonly string _appId;
    private readonly Func<string, WorkflowEngine?>? _peers;
    private IStateStore _store;
    private WorkflowEngine _engine;

    private EngineHost(WebApplication app, IStateStore store, WorkflowEngine engine, string appId, Func<string, WorkflowEngine?>? peers) =>
        (_app, _store, _engine, _appId, _peers) = (app, store, engine, appId, peers);

    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(60);

    public static WorkflowEngineOptions FastRetries { get; } = new()
    {
        StoreRetryDelay = TimeSpan.FromMilliseconds(1),
        MaxStoreRetryDelay = TimeSpan.FromMilliseconds(20),
    };

    public WorkflowEngine Engine => _engine;

    public Uri Address { get; private set; } = null!;

    public static async Task<EngineHost> StartAsync(
        IStateStore store, WorkflowEngineOptions? options = null, TimeProvider? time = null, string appId = AppId, Func<string, WorkflowEngine?>? peers = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        var app = builder.Build();
        var host = new EngineHost(app, store, NewEngine(store, options, time, appId, peers), appId, peers);
        app.MapGrpc(
            TaskHubSidecarService.Create(_ => host._engine),
            new GrpcServerOptions { MaxReceiveMessageBytes = 16 * 1024 * 1024, MaxSendMessageBytes = null });
        await host._engine.StartAsync(TestContext.Current.CancellationToken);
        await app.StartAsync();
        host.Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        return host;
    }

    /// <summary>
    /// Drops the engine as a crash would, and starts another one on a store. What the old one was still writing through a <see cref="CrashingStore"/> never
    /// arrives; what arrives late is the subject of <see cref="LateCommitTests"/>.
    /// </summary>
    public async Task RestartAsync(IStateStore store, WorkflowEngineOptions? options = null)
    {
        await _engine.DisposeAsync();
        (_store as CrashingStore)?.Die();
        _store = store;
        var engine = NewEngine(store, options, null, _appId, _peers);
        await engine.StartAsync(TestContext.Current.CancellationToken);
        _engine = engine;
    }

    public async Task UntilStreamsAsync(int count)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (_engine.GetStatus().Streams != count)
        {
            await Task.Delay(5, patience.Token);
        }
    }

    public TaskHubClient Connect() => new(Address);

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private static WorkflowEngine NewEngine(
        IStateStore store, WorkflowEngineOptions? options, TimeProvider? time, string appId, Func<string, WorkflowEngine?>? peers) =>
        new(appId, store, WorkflowEngine.DefaultKeyPrefix(appId), options ?? FastRetries, time ?? TimeProvider.System, NullLoggerFactory.Instance, peers);
}

/// <summary>The client side of the service.</summary>
internal sealed class TaskHubClient(Uri address) : IDisposable
{
    private readonly GrpcChannel _channel = new(address, new GrpcChannelOptions { MaxReceiveMessageBytes = null });

    public IAsyncEnumerable<WorkItem> WorkItems(CancellationToken cancellationToken, string? streamId = null, params WorkerCapability[] capabilities) => _channel.ServerStreamAsync(
        Path("GetWorkItems"),
        new GetWorkItemsRequest { Capabilities = { capabilities } },
        WorkItem.Parser,
        new GrpcCallOptions { Headers = streamId is null ? null : [new(WorkItemDrain.StreamIdHeader, streamId)] },
        cancellationToken);

    public Task DrainAsync(string streamId) =>
        _channel.UnaryAsync(Path(WorkItemDrain.Method), new StringValue { Value = streamId }, Empty.Parser, default, Token);

    public Task<CompleteTaskResponse> CompleteAsync(WorkflowResponse response, string method = "CompleteOrchestratorTask") =>
        _channel.UnaryAsync(Path(method), response, CompleteTaskResponse.Parser, default, Token);

    public Task<CompleteTaskResponse> CompleteAsync(ActivityResponse response) =>
        _channel.UnaryAsync(Path("CompleteActivityTask"), response, CompleteTaskResponse.Parser, default, Token);

    public async Task<string> StartAsync(string name, string? input = null, string instanceId = "", DateTimeOffset? at = null) =>
        (await _channel.UnaryAsync(
            Path("StartInstance"),
            new CreateInstanceRequest
            {
                Name = name,
                Input = input,
                InstanceId = instanceId,
                ScheduledStartTimestamp = at is { } time ? Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(time) : null,
            },
            CreateInstanceResponse.Parser,
            default,
            Token)).InstanceId;

    public async Task<WorkflowState?> GetAsync(string instanceId, bool payloads = true) =>
        (await _channel.UnaryAsync(
            Path("GetInstance"), new GetInstanceRequest { InstanceId = instanceId, GetInputsAndOutputs = payloads }, GetInstanceResponse.Parser, default, Token)).WorkflowState;

    public async Task<WorkflowState?> WaitAsync(string instanceId) =>
        (await _channel.UnaryAsync(
            Path("WaitForInstanceCompletion"), new GetInstanceRequest { InstanceId = instanceId, GetInputsAndOutputs = true }, GetInstanceResponse.Parser, default, Token)
            .WaitAsync(EngineHost.Patience)).WorkflowState;

    public Task RaiseAsync(string instanceId, string name, string? input = null) => _channel.UnaryAsync(
        Path("RaiseEvent"), new RaiseEventRequest { InstanceId = instanceId, Name = name, Input = input }, RaiseEventResponse.Parser, default, Token);

    public Task TerminateAsync(string instanceId, string? output = null, bool recursive = true) => _channel.UnaryAsync(
        Path("TerminateInstance"), new TerminateRequest { InstanceId = instanceId, Output = output, Recursive = recursive }, TerminateResponse.Parser, default, Token);

    public Task SuspendAsync(string instanceId) => _channel.UnaryAsync(
        Path("SuspendInstance"), new SuspendRequest { InstanceId = instanceId }, SuspendResponse.Parser, default, Token);

    public Task ResumeAsync(string instanceId) => _channel.UnaryAsync(
        Path("ResumeInstance"), new ResumeRequest { InstanceId = instanceId }, ResumeResponse.Parser, default, Token);

    public async Task<int> PurgeAsync(PurgeInstanceFilter filter, bool recursive = false, bool force = false) => (await _channel.UnaryAsync(
        Path("PurgeInstances"), new PurgeInstancesRequest { PurgeInstanceFilter = filter, Recursive = recursive, Force = force }, PurgeInstancesResponse.Parser, default, Token))
        .DeletedInstanceCount;

    public async Task<int> PurgeAsync(string instanceId, bool recursive = false, bool force = false) => (await _channel.UnaryAsync(
        Path("PurgeInstances"), new PurgeInstancesRequest { InstanceId = instanceId, Recursive = recursive, Force = force }, PurgeInstancesResponse.Parser, default, Token))
        .DeletedInstanceCount;

    public async Task<string> RerunAsync(RerunWorkflowFromEventRequest request) =>
        (await _channel.UnaryAsync(Path("RerunWorkflowFromEvent"), request, RerunWorkflowFromEventResponse.Parser, default, Token)).NewInstanceID;

    public Task<TResponse> CallAsync<TRequest, TResponse>(string method, TRequest request, Google.Protobuf.MessageParser<TResponse> parser)
        where TRequest : class, Google.Protobuf.IMessage<TRequest>
        where TResponse : class, Google.Protobuf.IMessage<TResponse> => _channel.UnaryAsync(Path(method), request, parser, default, Token);

    public async Task<IReadOnlyList<HistoryEvent>> HistoryAsync(string instanceId) => (await _channel.UnaryAsync(
        Path("GetInstanceHistory"), new GetInstanceHistoryRequest { InstanceId = instanceId }, GetInstanceHistoryResponse.Parser, default, Token)).Events;

    public Task<ListInstanceIDsResponse> ListAsync(string? continuation, uint pageSize)
    {
        var request = new ListInstanceIDsRequest { PageSize = pageSize };
        if (continuation is not null)
        {
            request.ContinuationToken = continuation;
        }

        return _channel.UnaryAsync(Path("ListInstanceIDs"), request, ListInstanceIDsResponse.Parser, default, Token);
    }

    public void Dispose() => _channel.Dispose();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static string Path(string method) => "/TaskHubSidecarService/" + method;
}
