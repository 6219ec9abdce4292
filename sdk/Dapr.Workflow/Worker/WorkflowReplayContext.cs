using Dapr.Workflow.Serialization;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Logging;
using Tandem.Protocol.Workflows;

namespace Dapr.Workflow.Worker;

/// <summary>
/// The context of one turn. It must not leave the workflow's synchronization context, so nothing in here uses
/// ConfigureAwait(false). Every call that reaches the engine takes the next number of <see cref="PendingTasks"/>.
/// </summary>
internal sealed class WorkflowReplayContext(
    string name, string instanceId, string executionId, string? appId, WorkflowJson json, ILoggerFactory loggers,
    WorkflowSynchronizationContext synchronization) : WorkflowContext
{
    /// <summary>What a wait without end asks for: 9999-12-31T23:59:59.999999999Z.</summary>
    private static readonly Timestamp Never = new() { Seconds = 253402300799, Nanos = 999999999 };

    private readonly Guid _guidNamespace = DeterministicGuid.Namespace(executionId.Length > 0 ? executionId : instanceId);
    private readonly Dictionary<string, bool> _patches = new(StringComparer.Ordinal);
    private DateTime _now;
    private bool _replaying;
    private int _guids;

    public PendingTasks Tasks { get; } = new();

    public ExternalEvents Events { get; } = new();

    /// <summary>Patches of earlier turns, from the history.</summary>
    public HashSet<string> RecordedPatches { get; } = new(StringComparer.Ordinal);

    public IEnumerable<string> TakenPatches => _patches.Where(p => p.Value).Select(p => p.Key);

    public string? CustomStatus { get; private set; }

    public (int Id, string Input, bool PreserveEvents)? NextRun { get; private set; }

    public override string Name => name;

    public override string InstanceId => instanceId;

    public override DateTime CurrentUtcDateTime => _now;

    public override bool IsReplaying => _replaying;

    public void SetTime(Timestamp timestamp) => _now = timestamp.ToDateTime();

    public void SetReplaying(bool value) => _replaying = value;

    public override bool IsPatched(string patchName)
    {
        EnsureInTurn();

        // One answer per execution: a path not taken once is not taken later either.
        if (!_patches.TryGetValue(patchName, out var patched))
        {
            _patches[patchName] = patched = RecordedPatches.Contains(patchName) || !_replaying;
        }

        return patched;
    }

    public override async Task<T> CallActivityAsync<T>(string name, object? input = null, WorkflowTaskOptions? options = null)
    {
        EnsureInTurn();
        var payload = json.Serialize(input);
        var executionKey = "";
        var result = await WithRetriesAsync(
            options?.RetryPolicy,
            () =>
            {
                var id = Tasks.NextId();
                executionKey = DeterministicGuid.Create(_guidNamespace, $"{instanceId}|activity|{id}|{name}").ToString("N");
                var task = new ScheduleTaskAction { Name = name, Input = payload, TaskExecutionId = executionKey };
                if (options is { PropagationScope: not HistoryPropagationScope.None })
                {
                    task.HistoryPropagationScope = (Tandem.Protocol.Workflows.HistoryPropagationScope)(int)options.PropagationScope;
                }

                return Tasks.StartAsync(new WorkflowAction { Id = id, ScheduleTask = task, Router = RouterTo(options) });
            },
            timer => timer.ActivityRetry = new TimerOriginActivityRetry { TaskExecutionId = executionKey });
        return json.Deserialize<T>(result)!;
    }

    public override async Task<TResult> CallChildWorkflowAsync<TResult>(
        string workflowName, object? input = null, ChildWorkflowTaskOptions? options = null)
    {
        EnsureInTurn();
        var payload = json.Serialize(input);
        var childId = "";
        var result = await WithRetriesAsync(
            options?.RetryPolicy,
            () =>
            {
                childId = string.IsNullOrEmpty(options?.InstanceId) ? NewGuid().ToString() : options.InstanceId;
                var child = new CreateChildWorkflowAction { Name = workflowName, InstanceId = childId, Input = payload };
                if (options is { PropagationScope: not HistoryPropagationScope.None })
                {
                    child.HistoryPropagationScope = (Tandem.Protocol.Workflows.HistoryPropagationScope)(int)options.PropagationScope;
                }

                return Tasks.StartAsync(new WorkflowAction { Id = Tasks.NextId(), CreateChildWorkflow = child, Router = RouterTo(options) });
            },
            timer => timer.ChildWorkflowRetry = new TimerOriginChildWorkflowRetry { InstanceId = childId });
        return json.Deserialize<TResult>(result)!;
    }

    public override Task CreateTimer(DateTime fireAt, CancellationToken cancellationToken)
    {
        EnsureInTurn();
        var utc = fireAt.Kind == DateTimeKind.Local ? fireAt.ToUniversalTime() : DateTime.SpecifyKind(fireAt, DateTimeKind.Utc);
        return StartTimer(Timestamp.FromDateTime(utc), timer => timer.CreateTimer = new TimerOriginCreateTimer(), cancellationToken);
    }

    public override async Task<T> WaitForExternalEventAsync<T>(string eventName, CancellationToken cancellationToken = default)
    {
        EnsureInTurn();
        cancellationToken.ThrowIfCancellationRequested();
        var input = Events.TryTake(eventName, out var kept) ? kept : await Events.WaitAsync(eventName, cancellationToken);
        return json.Deserialize<T>(input)!;
    }

    public override async Task<T> WaitForExternalEventAsync<T>(string eventName, TimeSpan timeout)
    {
        EnsureInTurn();
        if (Events.TryTake(eventName, out var kept))
        {
            return json.Deserialize<T>(kept)!;
        }

        if (timeout == TimeSpan.Zero)
        {
            throw new TaskCanceledException($"No event '{eventName}' has been raised.");
        }

        using var over = new CancellationTokenSource();
        var raised = Events.WaitAsync(eventName, over.Token);
        var timer = StartTimer(
            timeout < TimeSpan.Zero ? Never : Timestamp.FromDateTime(_now.Add(timeout)),
            t => t.ExternalEvent = new TimerOriginExternalEvent { Name = eventName },
            over.Token);

        var first = await Task.WhenAny(raised, timer);

        // Synchronous on purpose: CancelAsync would continue on another thread. The loser's wait ends here, unobserved.
        over.Cancel();
        return first == raised
            ? json.Deserialize<T>(await raised)!
            : throw new TaskCanceledException($"No event '{eventName}' was raised within {timeout}.");
    }

    public override void SendEvent(string instanceId, string eventName, object payload)
    {
        EnsureInTurn();
        Tasks.Add(new WorkflowAction
        {
            Id = Tasks.NextId(),
            SendEvent = new SendEventAction
            {
                Instance = new WorkflowInstance { InstanceId = instanceId },
                Name = eventName,
                Data = json.Serialize(payload),
            },
        });
    }

    public override void SetCustomStatus(object? customStatus)
    {
        EnsureInTurn();
        CustomStatus = customStatus is null ? null : json.Serialize(customStatus);
    }

    public override void ContinueAsNew(object? newInput = null, bool preserveUnprocessedEvents = true)
    {
        EnsureInTurn();
        NextRun = (Tasks.NextId(), json.Serialize(newInput), preserveUnprocessedEvents);
    }

    public override Guid NewGuid()
    {
        EnsureInTurn();
        return DeterministicGuid.Create(_guidNamespace, $"{instanceId}_{_guids++}");
    }

    public override ILogger CreateReplaySafeLogger(string categoryName) => new ReplaySafeLogger(loggers.CreateLogger(categoryName), this);

    public override ILogger CreateReplaySafeLogger(System.Type type) => new ReplaySafeLogger(loggers.CreateLogger(type), this);

    public override ILogger CreateReplaySafeLogger<T>() => CreateReplaySafeLogger(typeof(T));

    private Task<string?> StartTimer(Timestamp fireAt, Action<CreateTimerAction> setOrigin, CancellationToken cancellationToken = default)
    {
        var timer = new CreateTimerAction { FireAt = fireAt };
        setOrigin(timer);
        return Tasks.StartAsync(new WorkflowAction { Id = Tasks.NextId(), CreateTimer = timer }, cancellationToken);
    }

    /// <summary>Retries are the worker's business: a timer, then a new task with a new number.</summary>
    private async Task<string?> WithRetriesAsync(
        WorkflowRetryPolicy? policy, Func<Task<string?>> attempt, Action<CreateTimerAction> setTimerOrigin)
    {
        var started = _now;
        var delay = policy?.FirstRetryInterval ?? default;
        for (var attempts = 1; ; attempts++)
        {
            try
            {
                return await attempt();
            }
            catch (WorkflowTaskFailedException) when (attempts < (policy?.MaxNumberOfAttempts ?? 1) && InTime(policy!, started))
            {
                // Tried again below, when the timer has fired.
            }

            await StartTimer(Timestamp.FromDateTime(_now.Add(delay)), setTimerOrigin);
            delay = Next(policy!, delay);
        }
    }

    private bool InTime(WorkflowRetryPolicy policy, DateTime started) =>
        policy.RetryTimeout == Timeout.InfiniteTimeSpan || _now - started < policy.RetryTimeout;

    private static TimeSpan Next(WorkflowRetryPolicy policy, TimeSpan delay)
    {
        var longest = policy.MaxRetryInterval ?? TimeSpan.FromDays(365);
        var next = delay.TotalMilliseconds * policy.BackoffCoefficient;
        return next < longest.TotalMilliseconds ? TimeSpan.FromMilliseconds(next) : longest;
    }

    private TaskRouter? RouterTo(WorkflowTaskOptions? options) => string.IsNullOrEmpty(options?.TargetAppId)
        ? null
        : new TaskRouter { SourceAppID = appId ?? "", TargetAppID = options.TargetAppId };

    private void EnsureInTurn()
    {
        if (!synchronization.IsInTurn)
        {
            throw new InvalidOperationException(
                "A workflow context is used outside the workflow's own code. Await only tasks of the context, without ConfigureAwait(false).");
        }
    }
}
