using System.Collections.Concurrent;
using Google.Protobuf.WellKnownTypes;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Workflows;
using EventKind = Tandem.Protocol.Workflows.HistoryEvent.EventTypeOneofCase;

namespace Sidecar.Workflows.Tests;

/// <summary>What a scripted workflow sees of its history, and the actions it takes; ids are given by the script.</summary>
internal sealed class Script
{
    private readonly List<HistoryEvent> _events;
    private readonly HashSet<int> _scheduled;
    private readonly WorkflowResponse _response;
    private readonly Queue<HistoryEvent> _raised;

    public Script(WorkflowRequest request, string token)
    {
        _events = [.. request.PastEvents, .. request.NewEvents];
        _scheduled = [.. _events
            .Where(e => e.EventTypeCase is EventKind.TaskScheduled or EventKind.TimerCreated or EventKind.ChildWorkflowInstanceCreated or EventKind.EventSent or EventKind.DetachedWorkflowInstanceCreated)
            .Select(e => e.EventId)];
        _raised = new Queue<HistoryEvent>(_events.Where(e => e.EventTypeCase == EventKind.EventRaised));
        _response = new WorkflowResponse { InstanceId = request.InstanceId, CompletionToken = token };
        Request = request;
        Started = _events.First(e => e.EventTypeCase == EventKind.ExecutionStarted).ExecutionStarted;
    }

    public WorkflowRequest Request { get; }

    public ExecutionStartedEvent Started { get; }

    public WorkflowResponse Response => _response;

    /// <summary>When the execution was started.</summary>
    public DateTimeOffset StartTime => _events.First(e => e.EventTypeCase == EventKind.ExecutionStarted).Timestamp.ToDateTimeOffset();

    public bool Terminated => _events[^1].EventTypeCase == EventKind.ExecutionTerminated;

    public string? Status
    {
        set => _response.CustomStatus = value;
    }

    /// <summary>The result of an activity, or null while there is none; schedules it the first time.</summary>
    public string? Task(int id, string name, string input)
    {
        Schedule(id, () => new WorkflowAction { ScheduleTask = new ScheduleTaskAction { Name = name, Input = input, TaskExecutionId = $"{Started.WorkflowInstance.ExecutionId}-{id}" } });
        return _events.Find(e => e.EventTypeCase == EventKind.TaskCompleted && e.TaskCompleted.TaskScheduledId == id)?.TaskCompleted.Result
            ?? _events.Find(e => e.EventTypeCase == EventKind.TaskFailed && e.TaskFailed.TaskScheduledId == id)?.TaskFailed.FailureDetails.ErrorMessage;
    }

    public bool Timer(int id, DateTimeOffset fireAt) => Timer(id, Timestamp.FromDateTimeOffset(fireAt));

    public bool Timer(int id, Timestamp fireAt)
    {
        Schedule(id, () => new WorkflowAction { CreateTimer = new CreateTimerAction { FireAt = fireAt, CreateTimer = new TimerOriginCreateTimer() } });
        return _events.Exists(e => e.EventTypeCase == EventKind.TimerFired && e.TimerFired.TimerId == id);
    }

    public string? Child(int id, string name, string input, string instanceId = "")
    {
        Schedule(id, () => new WorkflowAction { CreateChildWorkflow = new CreateChildWorkflowAction { Name = name, Input = input, InstanceId = instanceId } });
        return _events.Find(e => e.EventTypeCase == EventKind.ChildWorkflowInstanceCompleted && e.ChildWorkflowInstanceCompleted.TaskScheduledId == id)?.ChildWorkflowInstanceCompleted.Result
            ?? _events.Find(e => e.EventTypeCase == EventKind.ChildWorkflowInstanceFailed && e.ChildWorkflowInstanceFailed.TaskScheduledId == id)?
                .ChildWorkflowInstanceFailed.FailureDetails.ErrorType;
    }

    /// <summary>The app that the following actions are routed to; null for the own one.</summary>
    public string? Target { get; set; }

    public void Act(int id, WorkflowAction action) => Schedule(id, () => action);

    /// <summary>The next external event, or null.</summary>
    public string? Event() => _raised.TryDequeue(out var e) ? e.EventRaised.Input ?? "" : null;

    public void Complete(string? result, OrchestrationStatus status = OrchestrationStatus.Completed) => _response.Actions.Add(
        new WorkflowAction { CompleteWorkflow = new CompleteWorkflowAction { WorkflowStatus = status, Result = result } });

    public void ContinueAsNew(string input) => _response.Actions.Add(new WorkflowAction
    {
        CompleteWorkflow = new CompleteWorkflowAction { WorkflowStatus = OrchestrationStatus.ContinuedAsNew, Result = input, CarryoverEvents = { _raised } },
    });

    private void Schedule(int id, Func<WorkflowAction> action)
    {
        if (_scheduled.Add(id))
        {
            var made = action();
            made.Id = id;
            if (Target is not null)
            {
                made.Router = new TaskRouter { SourceAppID = "whatever", TargetAppID = Target };
            }

            _response.Actions.Add(made);
        }
    }
}

/// <summary>A worker that runs scripts over the real protocol and reconnects for ever.</summary>
internal sealed class ScriptedWorker : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskHubClient _client;
    private Task _loop = Task.CompletedTask;
    private int _items;

    public ScriptedWorker(EngineHost host) => _client = host.Connect();

    public Dictionary<string, Action<Script>> Workflows { get; init; } = [];

    /// <summary>Result of an activity, by default its name and input.</summary>
    public Func<ActivityRequest, Task<string?>> Activity { get; init; } = r => Task.FromResult<string?>($"{r.Name}({r.Input})");

    /// <summary>The stream is cut when this item (1-based) arrives, which is then not answered. 0 never.</summary>
    public int CutAtItem { get; init; }

    /// <summary>Answers without completion tokens, as the JavaScript SDK does.</summary>
    public bool WithoutTokens { get; init; }

    public string TurnMethod { get; init; } = "CompleteOrchestratorTask";

    /// <summary>Keeps histories between turns, as workers with the capability STATEFUL_HISTORY do.</summary>
    public bool KeepsHistories { get; init; }

    /// <summary>Past events that the worker keeps; a test may make it forget.</summary>
    public ConcurrentDictionary<string, List<HistoryEvent>> Histories { get; } = new();

    private int _misses;

    /// <summary>Histories that had to be read again.</summary>
    public int Misses => Volatile.Read(ref _misses);

    /// <summary>Executions by execution id and task id.</summary>
    public ConcurrentDictionary<(string Execution, int Task), int> Executions { get; } = new();

    public int Items => Volatile.Read(ref _items);

    public ConcurrentQueue<WorkflowRequest> Turns { get; } = new();

    /// <summary>Connects. Not done by the constructor, whose loop would run before the initialisers had said what the worker is.</summary>
    public ScriptedWorker Start()
    {
        _loop = Task.Run(LoopAsync);
        return this;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _client.Dispose();
    }

    private async Task LoopAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            using var cut = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            try
            {
                Histories.Clear();
                await foreach (var item in _client.WorkItems(cut.Token, null, KeepsHistories ? [WorkerCapability.StatefulHistory] : []))
                {
                    if (Interlocked.Increment(ref _items) == CutAtItem)
                    {
                        break;
                    }

                    _ = Task.Run(() => HandleAsync(item));
                }
            }
            catch (Exception exception) when (exception is GrpcException or OperationCanceledException)
            {
                await Task.Yield();
            }
        }
    }

    private async Task CompleteHistoryAsync(WorkflowRequest request)
    {
        if (request.CachedHistory is { EventCount: var count })
        {
            List<HistoryEvent> past = Histories.TryGetValue(request.InstanceId, out var kept) && kept.Count == count
                ? [.. kept, .. request.PastEvents]
                : await FetchAsync(request.InstanceId);
            request.PastEvents.Clear();
            request.PastEvents.AddRange(past);
        }

        Histories[request.InstanceId] = [.. request.PastEvents];
    }

    private async Task<List<HistoryEvent>> FetchAsync(string instanceId)
    {
        Interlocked.Increment(ref _misses);
        return [.. await _client.HistoryAsync(instanceId)];
    }

    private async Task HandleAsync(WorkItem item)
    {
        var token = WithoutTokens ? "" : item.CompletionToken;
        try
        {
            if (item.RequestCase == WorkItem.RequestOneofCase.WorkflowRequest)
            {
                Turns.Enqueue(item.WorkflowRequest.Clone());
                if (KeepsHistories)
                {
                    await CompleteHistoryAsync(item.WorkflowRequest);
                }

                var script = new Script(item.WorkflowRequest, token);
                if (script.Terminated)
                {
                    script.Complete(null, OrchestrationStatus.Terminated);
                }
                else
                {
                    Workflows[script.Started.Name](script);
                }

                await _client.CompleteAsync(script.Response, TurnMethod);
            }
            else
            {
                var request = item.ActivityRequest;
                Executions.AddOrUpdate((request.WorkflowInstance.ExecutionId, request.TaskId), 1, (_, count) => count + 1);
                var response = new ActivityResponse { InstanceId = request.WorkflowInstance.InstanceId, TaskId = request.TaskId, CompletionToken = token };
                try
                {
                    response.Result = await Activity(request);
                }
                catch (InvalidOperationException exception)
                {
                    response.FailureDetails = new TaskFailureDetails { ErrorType = exception.GetType().Name, ErrorMessage = exception.Message };
                }

                await _client.CompleteAsync(response);
            }
        }
        catch (Exception exception) when (exception is GrpcException or OperationCanceledException)
        {
            // As the SDKs do: a completion that cannot be delivered is dropped.
        }
    }
}
