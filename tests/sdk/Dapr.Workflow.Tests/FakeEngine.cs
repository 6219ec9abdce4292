using System.Collections.Concurrent;
using System.Net;
using System.Threading.Channels;
using Google.Protobuf.WellKnownTypes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Workflows;

namespace Dapr.Workflow.Tests;

/// <summary>A workflow engine without a mind: it hands out the items a test gives it and returns the worker's answers.</summary>
internal sealed class FakeEngine : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ConcurrentDictionary<string, TaskCompletionSource<WorkflowResponse>> _turns = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource<ActivityResponse>> _activities = new();
    private readonly Channel<WorkItem> _items = Channel.CreateUnbounded<WorkItem>();
    private readonly Channel<CancellationTokenSource> _streams = Channel.CreateUnbounded<CancellationTokenSource>();
    private readonly WebApplication _app;
    private int _tokens;

    private FakeEngine()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        _app = builder.Build();
        _app.MapGrpc(Service());
    }

    public int Port => new Uri(_app.Urls.Single()).Port;

    /// <summary>Completes at the worker's first keep-alive call.</summary>
    public TaskCompletionSource Hello { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Answers the calls of the client; a test replaces what it needs.</summary>
    public Func<string, object, object> OnCall { get; set; } = (method, _) => throw new GrpcException(GrpcStatusCode.Unimplemented, method);

    /// <summary>Called with each delivered activity result before it is accepted; may throw to refuse it.</summary>
    public Action<ActivityResponse> OnActivityResult { get; set; } = _ => { };

    /// <summary>Called with each answer to a turn before it is accepted; may throw to refuse it.</summary>
    public Action<WorkflowResponse> OnTurnResult { get; set; } = _ => { };

    public static async Task<FakeEngine> StartAsync()
    {
        var engine = new FakeEngine();
        await engine._app.StartAsync();
        return engine;
    }

    public Task<WorkflowResponse> TurnAsync(WorkflowRequest request)
    {
        var token = NewToken();
        var answer = _turns[token] = new TaskCompletionSource<WorkflowResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        _items.Writer.TryWrite(new WorkItem { WorkflowRequest = request, CompletionToken = token });
        return answer.Task.WaitAsync(Patience);
    }

    public Task<ActivityResponse> ActivityAsync(ActivityRequest request)
    {
        var token = NewToken();
        var answer = _activities[token] = new TaskCompletionSource<ActivityResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        _items.Writer.TryWrite(new WorkItem { ActivityRequest = request, CompletionToken = token });
        return answer.Task.WaitAsync(Patience);
    }

    /// <summary>Waits for the next stream a worker opens; cancelling it ends the stream.</summary>
    public async Task<CancellationTokenSource> NextStreamAsync() => await _streams.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private string NewToken() => $"token-{Interlocked.Increment(ref _tokens)}";

    private GrpcService Service() => new GrpcService("TaskHubSidecarService")
        .Unary("Hello", Empty.Parser, (Empty empty, GrpcCallContext _) =>
        {
            Hello.TrySetResult();
            return Task.FromResult(empty);
        })
        .ServerStreaming<GetWorkItemsRequest, WorkItem>("GetWorkItems", GetWorkItemsRequest.Parser, HandOutAsync)
        .Unary("CompleteOrchestratorTask", WorkflowResponse.Parser, (WorkflowResponse response, GrpcCallContext _) =>
        {
            OnTurnResult(response);
            _turns[response.CompletionToken].TrySetResult(response);
            return Task.FromResult(new CompleteTaskResponse());
        })
        .Unary("CompleteActivityTask", ActivityResponse.Parser, (ActivityResponse response, GrpcCallContext _) =>
        {
            OnActivityResult(response);
            _activities[response.CompletionToken].TrySetResult(response);
            return Task.FromResult(new CompleteTaskResponse());
        })
        .Unary("StartInstance", CreateInstanceRequest.Parser, Call<CreateInstanceRequest, CreateInstanceResponse>("StartInstance"))
        .Unary("GetInstance", GetInstanceRequest.Parser, Call<GetInstanceRequest, GetInstanceResponse>("GetInstance"))
        .Unary("WaitForInstanceStart", GetInstanceRequest.Parser, Call<GetInstanceRequest, GetInstanceResponse>("WaitForInstanceStart"))
        .Unary("WaitForInstanceCompletion", GetInstanceRequest.Parser, Call<GetInstanceRequest, GetInstanceResponse>("WaitForInstanceCompletion"))
        .Unary("RaiseEvent", RaiseEventRequest.Parser, Call<RaiseEventRequest, RaiseEventResponse>("RaiseEvent"))
        .Unary("TerminateInstance", TerminateRequest.Parser, Call<TerminateRequest, TerminateResponse>("TerminateInstance"))
        .Unary("SuspendInstance", SuspendRequest.Parser, Call<SuspendRequest, SuspendResponse>("SuspendInstance"))
        .Unary("ResumeInstance", ResumeRequest.Parser, Call<ResumeRequest, ResumeResponse>("ResumeInstance"))
        .Unary("PurgeInstances", PurgeInstancesRequest.Parser, Call<PurgeInstancesRequest, PurgeInstancesResponse>("PurgeInstances"))
        .Unary("GetInstanceHistory", GetInstanceHistoryRequest.Parser, Call<GetInstanceHistoryRequest, GetInstanceHistoryResponse>("GetInstanceHistory"));

    private Func<TRequest, GrpcCallContext, Task<TResponse>> Call<TRequest, TResponse>(string method)
        where TRequest : class =>
        (request, _) => Task.FromResult((TResponse)OnCall(method, request));

    private async Task HandOutAsync(GetWorkItemsRequest request, IServerStreamWriter<WorkItem> stream, GrpcCallContext context)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
        _streams.Writer.TryWrite(end);
        try
        {
            await foreach (var item in _items.Reader.ReadAllAsync(end.Token))
            {
                await stream.WriteAsync(item);
            }
        }
        catch (OperationCanceledException) when (!context.CancellationToken.IsCancellationRequested)
        {
            throw new GrpcException(GrpcStatusCode.Unavailable, "The engine is restarting.");
        }
    }
}
