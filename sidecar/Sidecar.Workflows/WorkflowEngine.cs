using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;
using Sidecar.Workflows.Diagnostics;
using Sidecar.Workflows.Instances;
using Sidecar.Workflows.State;
using Sidecar.Workflows.Storage;
using Sidecar.Workflows.Timers;
using Tandem.Protocol.Workflows;

namespace Sidecar.Workflows;

/// <summary>
/// The workflow engine of one app id, shared by all its replicas. Workflow code and activities run in workers, which
/// take work items from a stream; the engine keeps the histories, durably, in a state store. After a crash of a worker
/// or of this process everything goes on from the last commit: turns may run again, activities run at least once.
/// </summary>
public sealed partial class WorkflowEngine : IAsyncDisposable
{
    private readonly string _appId;
    private readonly Func<string, WorkflowEngine?> _peers;
    private readonly WorkflowEngineOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly InstanceStore _store;
    private readonly InstanceTable _table;
    private readonly TimerQueue _timers;
    private readonly WorkflowMetrics _metrics;
    private readonly InstanceRunner _runner;
    private readonly Maintenance _maintenance;

    /// <summary>Creates the engine; <see cref="StartAsync"/> makes it work.</summary>
    /// <param name="appId">The app whose workflows these are.</param>
    /// <param name="store">Transactional, lists keys (<see cref="IKeyListing"/>); the engine does not dispose it.</param>
    /// <param name="keyPrefix">Prefix of all rows; nobody else writes below it.</param>
    /// <param name="options">Limits and times.</param>
    /// <param name="time">The clock.</param>
    /// <param name="loggers">For the engine's log.</param>
    /// <param name="peers">
    /// The engines of the other apps of this process by app id, for their activities and child workflows; null for unknown
    /// ones. Asked at each use, so all may be made before any is started.
    /// </param>
    /// <exception cref="ComponentException">The store lacks transactions or key listing.</exception>
    public WorkflowEngine(
        string appId,
        IStateStore store,
        string keyPrefix,
        WorkflowEngineOptions options,
        TimeProvider time,
        ILoggerFactory loggers,
        Func<string, WorkflowEngine?>? peers = null)
    {
        if (store is not IKeyListing listing || !store.Features.HasFlag(StateFeatures.Transactional) || !store.Features.HasFlag(StateFeatures.ETag))
        {
            throw new ComponentException("a state store that holds workflows must offer transactions, etags and key listing; this one does not");
        }

        (_appId, _options, _time) = (appId, options, time);
        _peers = peers ?? (_ => null);
        _logger = loggers.CreateLogger<WorkflowEngine>();
        _store = new InstanceStore(store, listing, keyPrefix);
        _table = new InstanceTable(options.HotStateBytes);
        _timers = new TimerQueue(time);
        _metrics = new WorkflowMetrics(appId, GetStatus);
        _runner = new InstanceRunner(appId, app => _peers(app)?._runner, _store, _table, _timers, options, time, _metrics, _logger, _stopping.Token);
        _maintenance = new Maintenance(_store, _runner, _timers, options, time, _logger, _stopping.Token);
    }

    /// <summary>The prefix under which Dapr keeps an app's workflow rows in an actor state store (grpc §6).</summary>
    public static string DefaultKeyPrefix(string appId) => $"{appId}||dapr.internal.default.{appId}.workflow||";

    /// <summary>
    /// Finds the instances that have not ended and lets them go on; returns when they are found, while they are armed in
    /// the background. Retries a failing store until the token is cancelled.
    /// </summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await _maintenance.StartAsync(cancellationToken);
        IsStarted = true;
    }

    /// <summary>Whether <see cref="StartAsync"/> has returned; before, the gRPC service answers UNAVAILABLE.</summary>
    public bool IsStarted { get; private set; }

    /// <summary>Completes when every instance found at the start waits and works again.</summary>
    public Task Recovered => _maintenance.Recovered;

    /// <summary>A moment's counters.</summary>
    public WorkflowEngineStatus GetStatus()
    {
        var (streams, ready, turns, activities, backlog) = _runner.Dispatcher.Count();
        return new WorkflowEngineStatus(_appId, _runner.InProgress, streams, ready, turns, activities, backlog, _timers.Count, _table.Count);
    }

    /// <summary>
    /// Serves one GetWorkItems stream until the token is cancelled, it is drained, or the engine stops (UNAVAILABLE then). A
    /// worker that <paramref name="keepsHistories"/> gets only what is new of them (grpc §5.8).
    /// </summary>
    public async Task RunStreamAsync(string streamId, bool keepsHistories, Func<WorkItem, CancellationToken, ValueTask> write, CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopping.Token);
        var serving = _runner.Dispatcher.RunStreamAsync(streamId, keepsHistories, write, ending.Token);
        var retryStalled = Task.Run(_runner.RetryStalledAsync, CancellationToken.None);
        await serving;
        await retryStalled;
        if (_stopping.IsCancellationRequested)
        {
            throw new WorkflowException(WorkflowError.Unavailable, "the sidecar is stopping");
        }
    }

    /// <summary>Gives a stream no further work and ends it when what it has is answered; its worker is stopping.</summary>
    public async Task DrainStreamAsync(string streamId, CancellationToken cancellationToken)
    {
        if (!await WaitAsync(_runner.Dispatcher.DrainAsync(streamId), cancellationToken))
        {
            throw new WorkflowException(WorkflowError.NotFound, "there is no such stream of work items");
        }
    }

    /// <summary>The engine that a request is for: that of its router's target app, or this one. NOT_FOUND for an app that has none.</summary>
    public WorkflowEngine At(TaskRouter? router) => router is not { TargetAppID.Length: > 0 }
        ? this
        : Peer(router.TargetAppID) ?? throw new WorkflowException(WorkflowError.NotFound, $"there is no app '{router.TargetAppID}' with a workflow store in this run");

    /// <summary>A worker's answer to a turn; returns when the turn is durable.</summary>
    public Task CompleteTurnAsync(WorkflowResponse response, CancellationToken cancellationToken) =>
        WaitAsync(_runner.CompleteTurnAsync(response), cancellationToken);

    /// <summary>A worker's result of an activity; returns when it is durable or unwanted.</summary>
    public Task CompleteActivityAsync(ActivityResponse response, CancellationToken cancellationToken) =>
        WaitAsync(_runner.CompleteActivityAsync(response), cancellationToken);

    /// <summary>
    /// Starts a workflow and returns its id. Durable when it returns; see <see cref="WorkflowEngineOptions.WaitForStart"/>.
    /// ALREADY_EXISTS for the id of an instance that has not ended; an ended one is replaced, unless children of it run or the
    /// request wants an id that is not in use at all.
    /// </summary>
    public async Task<string> StartInstanceAsync(CreateInstanceRequest request, CancellationToken cancellationToken)
    {
        if (request.Name.Length == 0)
        {
            throw new WorkflowException(WorkflowError.InvalidArgument, "the workflow name is missing");
        }

        var instanceId = request.InstanceId.Length > 0 ? request.InstanceId : Guid.NewGuid().ToString();
        CheckId(instanceId);
        var start = new ExecutionStartedEvent
        {
            Name = request.Name,
            Version = request.Version,
            Input = request.Input,
            WorkflowInstance = new WorkflowInstance { InstanceId = instanceId, ExecutionId = request.ExecutionId is { Length: > 0 } id ? id : Guid.NewGuid().ToString() },
            ScheduledStartTimestamp = request.ScheduledStartTimestamp,
            ParentTraceContext = request.ParentTraceContext,
            Tags = { request.Tags },
        };
        switch (await WaitAsync(_runner.CreateAsync(instanceId, start, creationKey: "", request.EnforceUniqueInstanceId), cancellationToken))
        {
            case Creation.Exists:
                throw new WorkflowException(WorkflowError.AlreadyExists, $"a workflow with ID '{instanceId}' already exists");
            case Creation.StillActive:
                throw new WorkflowException(WorkflowError.AlreadyExists, $"an active workflow with ID '{instanceId}' already exists");
            case Creation.ChildrenActive:
                throw new WorkflowException(WorkflowError.AlreadyExists, $"the workflow with ID '{instanceId}' has ended, but child workflows of it still run");
        }

        if (_options.WaitForStart && request.ScheduledStartTimestamp is null && _runner.Dispatcher.HasStreams)
        {
            await WaitForAsync(instanceId, m => m.Status != (int)OrchestrationStatus.Pending, cancellationToken);
        }

        return instanceId;
    }

    /// <summary>The instance, or null; with or without input, output, custom status and failure.</summary>
    public async Task<WorkflowState?> GetInstanceAsync(string instanceId, bool payloads, CancellationToken cancellationToken)
    {
        if (!payloads)
        {
            var metadata = await WaitAsync(StoreReadAsync(() => _store.ReadMetadataAsync(instanceId, _stopping.Token)), cancellationToken);
            return metadata is null ? null : InstanceViews.ToWorkflowState(instanceId, metadata);
        }

        return await WaitAsync(_runner.WithInstanceAsync(instanceId, instance => StoreReadAsync(() => ReadAsync(instance))), cancellationToken);
    }

    /// <summary>An instance with what it was given and what it came to. Under the gate.</summary>
    private async Task<WorkflowState?> ReadAsync(Instance instance)
    {
        if (instance.State is null
            && await _store.ReadMetadataAsync(instance.Id, _stopping.Token) is { } metadata
            && InstanceState.IsTerminal((OrchestrationStatus)metadata.Status)
            && await _store.ReadEndedAsync(instance.Id, metadata, _stopping.Token) is { } ended)
        {
            return InstanceViews.ToWorkflowState(instance.Id, metadata, ended);
        }

        return await _runner.LoadAsync(instance) is { } state ? InstanceViews.ToWorkflowState(state) : null;
    }

    /// <summary>Waits until the workflow has left PENDING; null when there is no such instance.</summary>
    public Task<WorkflowState?> WaitForStartAsync(string instanceId, bool payloads, CancellationToken cancellationToken) =>
        WaitForAsync(instanceId, m => m.Status != (int)OrchestrationStatus.Pending, payloads, cancellationToken);

    /// <summary>Waits until the workflow has ended; null when there is no such instance.</summary>
    public Task<WorkflowState?> WaitForCompletionAsync(string instanceId, bool payloads, CancellationToken cancellationToken) =>
        WaitForAsync(instanceId, m => InstanceState.IsTerminal((OrchestrationStatus)m.Status), payloads, cancellationToken);

    /// <summary>All history events of the current execution.</summary>
    public Task<IReadOnlyList<HistoryEvent>> GetHistoryAsync(string instanceId, CancellationToken cancellationToken) =>
        WaitAsync(_runner.WithInstanceAsync<IReadOnlyList<HistoryEvent>>(instanceId, async instance =>
            [.. (await StoreReadAsync(() => _runner.LoadAsync(instance)) ?? throw WorkflowException.NoSuchInstance(instanceId)).History]), cancellationToken);

    /// <summary>A page of instance ids, and the token of the next page or null at the end. A page size of 0 means all.</summary>
    public async Task<(IReadOnlyList<string> InstanceIds, string? ContinuationToken)> ListInstanceIdsAsync(
        string? continuationToken, int pageSize, CancellationToken cancellationToken)
    {
        var ids = new List<string>();
        await foreach (var id in _store.ListIdsAsync(continuationToken, cancellationToken))
        {
            if (pageSize > 0 && ids.Count == pageSize)
            {
                return (ids, ids[^1]);
            }

            ids.Add(id);
        }

        return (ids, null);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _timers.DisposeAsync();
        await _maintenance.DisposeAsync();
        _metrics.Dispose();
    }

    private void CheckId(string instanceId)
    {
        if (InstanceIds.Fault(instanceId, _options) is { } fault)
        {
            throw new WorkflowException(WorkflowError.InvalidArgument, fault);
        }
    }

    private async Task<WorkflowState?> WaitForAsync(
        string instanceId, Func<InstanceMetadata, bool> condition, bool payloads, CancellationToken cancellationToken) =>
        await WaitForAsync(instanceId, condition, cancellationToken) is { } metadata
            // What is not kept at all may be gone already; its status is known.
            ? (payloads ? await GetInstanceAsync(instanceId, payloads, cancellationToken) : null) ?? InstanceViews.ToWorkflowState(instanceId, metadata)
            : null;

    /// <summary>Waits for a status; null when the instance does not exist or was purged.</summary>
    private async Task<InstanceMetadata?> WaitForAsync(string instanceId, Func<InstanceMetadata, bool> condition, CancellationToken cancellationToken)
    {
        var waiter = new StatusWaiter(condition);
        var instance = await WaitAsync(_runner.WithInstanceAsync(instanceId, async i =>
        {
            waiter.Offer(i.State?.Metadata ?? await StoreReadAsync(() => _store.ReadMetadataAsync(instanceId, _stopping.Token)));
            if (!waiter.Reached.IsCompleted)
            {
                lock (i.Waiters)
                {
                    i.Waiters.Add(waiter);
                }
            }

            return i;
        }), cancellationToken);
        try
        {
            return await WaitAsync(waiter.Reached, cancellationToken);
        }
        finally
        {
            lock (instance.Waiters)
            {
                instance.Waiters.Remove(waiter);
            }

            // Nobody may hold the instance any more; a look at it lets it go.
            _table.Release(_table.Acquire(instanceId));
        }
    }

    /// <summary>
    /// Waits for an operation that runs to its end whatever becomes of the caller: half a write is no help to anybody.
    /// </summary>
    private async Task<T> WaitAsync<T>(Task<T> operation, CancellationToken cancellationToken)
    {
        try
        {
            return await operation.WaitAsync(cancellationToken).WaitAsync(_stopping.Token);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            throw new WorkflowException(WorkflowError.Unavailable, "the sidecar is stopping");
        }
    }

    private Task WaitAsync(Task operation, CancellationToken cancellationToken) => WaitAsync(AsResult(operation), cancellationToken);

    private static async Task<bool> AsResult(Task operation)
    {
        await operation;
        return true;
    }

    private async Task<T> StoreReadAsync<T>(Func<Task<T>> read)
    {
        try
        {
            return await read();
        }
        catch (Exception exception) when (exception is not WorkflowException && !_stopping.IsCancellationRequested)
        {
            throw new WorkflowException(WorkflowError.Unavailable, "the workflow state store failed: " + exception.Message, exception);
        }
    }
}
