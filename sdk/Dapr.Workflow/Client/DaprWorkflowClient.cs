using Dapr.Workflow.Serialization;
using Dapr.Workflow.Worker;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Workflows;

namespace Dapr.Workflow;

/// <inheritdoc cref="IDaprWorkflowClient" />
public sealed class DaprWorkflowClient : IDaprWorkflowClient
{
    /// <summary>How long a call is repeated while the sidecar is away; a restart takes it seconds.</summary>
    private static readonly TimeSpan RetryTime = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan FirstRetryDelay = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan LongestRetryDelay = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan FirstWaitDelay = TimeSpan.FromMilliseconds(50);

    /// <summary>Shorter than the official 15 s: a sidecar that comes back is noticed sooner.</summary>
    private static readonly TimeSpan LongestWaitDelay = TimeSpan.FromSeconds(2);

    private readonly SidecarConnection _connection;
    private readonly WorkflowJson _json;
    private readonly TimeProvider _timeProvider;

    internal DaprWorkflowClient(SidecarConnection connection, WorkflowJson json, TimeProvider timeProvider)
    {
        _connection = connection;
        _json = json;
        _timeProvider = timeProvider;
    }

    /// <inheritdoc />
    public Task<string> ScheduleNewWorkflowAsync(string name, string? instanceId = null, object? input = null) =>
        ScheduleNewWorkflowAsync(name, instanceId, input, (DateTimeOffset?)null);

    /// <inheritdoc />
    public Task<string> ScheduleNewWorkflowAsync(string name, string? instanceId, object? input, DateTime? startTime)
    {
        DateTimeOffset? at = startTime is not { } time
            ? null
            : new DateTimeOffset(time.Kind == DateTimeKind.Unspecified ? DateTime.SpecifyKind(time, DateTimeKind.Utc) : time);
        return ScheduleNewWorkflowAsync(name, instanceId, input, at);
    }

    /// <inheritdoc />
    public async Task<string> ScheduleNewWorkflowAsync(
        string name, string? instanceId, object? input, DateTimeOffset? startTime, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        var request = new CreateInstanceRequest
        {
            InstanceId = string.IsNullOrEmpty(instanceId) ? Guid.NewGuid().ToString() : instanceId,
            Name = name,
            Input = _json.Serialize(input),
            ScheduledStartTimestamp = startTime is { } at ? Timestamp.FromDateTimeOffset(at) : null,
            ParentTraceContext = TraceParent.Current(),
        };
        try
        {
            var response = await CallAsync("StartInstance", request, CreateInstanceResponse.Parser, cancellation).ConfigureAwait(false);
            return response.InstanceId;
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.AlreadyExists && string.IsNullOrEmpty(instanceId))
        {
            // The id was made here: an earlier try has started the instance, and its answer was lost.
            return request.InstanceId;
        }
    }

    /// <inheritdoc />
    public async Task<WorkflowState> GetWorkflowStateAsync(
        string instanceId, bool getInputsAndOutputs = true, CancellationToken cancellation = default)
    {
        try
        {
            return Read(await CallAsync("GetInstance", Get(instanceId, getInputsAndOutputs), GetInstanceResponse.Parser, cancellation)
                .ConfigureAwait(false));
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.NotFound)
        {
            return new WorkflowState(null, _json);
        }
    }

    /// <inheritdoc />
    public Task<WorkflowState> WaitForWorkflowStartAsync(
        string instanceId, bool getInputsAndOutputs = true, CancellationToken cancellation = default) =>
        WaitAsync("WaitForInstanceStart", instanceId, getInputsAndOutputs, cancellation);

    /// <inheritdoc />
    public async Task<WorkflowState> WaitForWorkflowCompletionAsync(
        string instanceId, bool getInputsAndOutputs = true, CancellationToken cancellation = default)
    {
        var state = await WaitAsync("WaitForInstanceCompletion", instanceId, false, cancellation).ConfigureAwait(false);
        return getInputsAndOutputs ? await GetWorkflowStateAsync(instanceId, true, cancellation).ConfigureAwait(false) : state;
    }

    /// <inheritdoc />
    public Task TerminateWorkflowAsync(string instanceId, object? output = null, CancellationToken cancellation = default) => CallAsync(
        "TerminateInstance",
        new TerminateRequest { InstanceId = Checked(instanceId), Output = _json.Serialize(output), Recursive = true },
        TerminateResponse.Parser,
        cancellation);

    /// <inheritdoc />
    public Task RaiseEventAsync(string instanceId, string eventName, object? eventPayload = null, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(eventName);
        return CallAsync(
            "RaiseEvent",
            new RaiseEventRequest { InstanceId = Checked(instanceId), Name = eventName, Input = _json.Serialize(eventPayload) },
            RaiseEventResponse.Parser,
            cancellation,
            mayReachTwice: false);
    }

    /// <inheritdoc />
    public Task SuspendWorkflowAsync(string instanceId, string? reason = null, CancellationToken cancellation = default) => CallAsync(
        "SuspendInstance", new SuspendRequest { InstanceId = Checked(instanceId), Reason = reason }, SuspendResponse.Parser, cancellation);

    /// <inheritdoc />
    public Task ResumeWorkflowAsync(string instanceId, string? reason = null, CancellationToken cancellation = default) => CallAsync(
        "ResumeInstance", new ResumeRequest { InstanceId = Checked(instanceId), Reason = reason }, ResumeResponse.Parser, cancellation);

    /// <inheritdoc />
    public async Task<bool> PurgeInstanceAsync(string instanceId, CancellationToken cancellation = default)
    {
        var request = new PurgeInstancesRequest { InstanceId = Checked(instanceId), Recursive = true };
        var response = await CallAsync("PurgeInstances", request, PurgeInstancesResponse.Parser, cancellation).ConfigureAwait(false);
        return response.DeletedInstanceCount > 0;
    }

    /// <summary>The connection belongs to the service provider; nothing to release here.</summary>
    public void Dispose()
    {
    }

    /// <inheritdoc cref="Dispose" />
    public ValueTask DisposeAsync() => default;

    /// <summary>The sidecar blocks until the condition holds; one that goes away meanwhile is asked again.</summary>
    private async Task<WorkflowState> WaitAsync(string method, string instanceId, bool getInputsAndOutputs, CancellationToken cancellation)
    {
        for (var delay = FirstWaitDelay; ; delay = delay * 2 < LongestWaitDelay ? delay * 2 : LongestWaitDelay)
        {
            try
            {
                var state = Read(await CallOnceAsync(method, Get(instanceId, getInputsAndOutputs), GetInstanceResponse.Parser, cancellation)
                    .ConfigureAwait(false));
                return state.Exists ? state : throw new InvalidOperationException($"There is no workflow instance '{instanceId}'.");
            }
            catch (RpcException exception) when (exception.StatusCode is StatusCode.DeadlineExceeded or StatusCode.Unavailable)
            {
                await Task.Delay(delay, _timeProvider, cancellation).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Repeats while the sidecar is away; a call that may not reach it twice only when it has not come through.</summary>
    private async Task<TResponse> CallAsync<TRequest, TResponse>(
        string method, TRequest request, MessageParser<TResponse> parser, CancellationToken cancellation, bool mayReachTwice = true)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        var started = _timeProvider.GetTimestamp();
        for (var delay = FirstRetryDelay; ; delay = delay * 2 < LongestRetryDelay ? delay * 2 : LongestRetryDelay)
        {
            try
            {
                return await CallOnceAsync(method, request, parser, cancellation).ConfigureAwait(false);
            }
            catch (RpcException exception) when (
                exception.StatusCode == StatusCode.Unavailable
                && (mayReachTwice || WasNotSent(exception))
                && _timeProvider.GetElapsedTime(started) < RetryTime)
            {
                await Task.Delay(delay * (0.5 + Random.Shared.NextDouble()), _timeProvider, cancellation).ConfigureAwait(false);
            }
        }
    }

    /// <summary>The sidecar itself said that it is not ready, or it took no connection.</summary>
    private static bool WasNotSent(RpcException exception) =>
        exception.InnerException is not GrpcException { InnerException: { } cause }
        || cause is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError };

    private async Task<TResponse> CallOnceAsync<TRequest, TResponse>(
        string method, TRequest request, MessageParser<TResponse> parser, CancellationToken cancellation)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        try
        {
            return await _connection.Channel.UnaryAsync($"/TaskHubSidecarService/{method}", request, parser, default, cancellation)
                .ConfigureAwait(false);
        }
        catch (GrpcException exception)
        {
            throw RpcException.From(exception);
        }
    }

    private WorkflowState Read(GetInstanceResponse response) => new(response.Exists ? response.WorkflowState : null, _json);

    private static GetInstanceRequest Get(string instanceId, bool getInputsAndOutputs) =>
        new() { InstanceId = Checked(instanceId), GetInputsAndOutputs = getInputsAndOutputs };

    private static string Checked(string instanceId)
    {
        ArgumentException.ThrowIfNullOrEmpty(instanceId);
        return instanceId;
    }
}
