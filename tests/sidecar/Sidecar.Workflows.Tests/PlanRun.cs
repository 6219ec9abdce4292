using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Tandem.Protocol.Workflows;
using EventKind = Tandem.Protocol.Workflows.HistoryEvent.EventTypeOneofCase;

namespace Sidecar.Workflows.Tests;

/// <summary>Where a run of a plan is disturbed.</summary>
/// <param name="CutAtItem">The worker dies when it gets this item (1-based) and another takes over; 0 never.</param>
/// <param name="FaultAtWrite">The store fails at this write (1-based); 0 never.</param>
/// <param name="Fault">How it fails. After a death the engine is opened again over what has been written.</param>
internal sealed record Disturbance(int CutAtItem = 0, int FaultAtWrite = 0, Fault Fault = Fault.DieBefore);

/// <summary>What a run of a plan came to.</summary>
/// <param name="Items">Items that workers got.</param>
/// <param name="Writes">Writes of the engine that the disturbance was meant for.</param>
/// <param name="Outcome">Status, output and canonical history of every instance.</param>
internal sealed record PlanOutcome(int Items, int Writes, IReadOnlyDictionary<string, string> Outcome);

/// <summary>
/// Runs a plan with an engine and workers in this process and without a socket, in virtual time, and disturbs it once.
/// </summary>
internal sealed class PlanRun(Plan plan, Disturbance disturbance)
{
    private const string Root = "root";

    private readonly MemoryStore _disk = new();
    private readonly JumpingTimeProvider _clock = new();
    private readonly Dictionary<string, Action<Script>> _workflows = Plan.Workflows(plan);
    private readonly ConcurrentDictionary<(string, int), int> _executions = new();
    private WorkflowEngine _engine = null!;
    private int _items;

    public async Task<PlanOutcome> RunAsync()
    {
        var first = new CrashingStore(_disk, disturbance.FaultAtWrite, disturbance.Fault);
        await OpenAsync(first);
        using var done = new CancellationTokenSource(EngineHost.Patience);
        var worker = Task.Run(() => WorkAsync(done.Token));
        var outcome = await UnlessDeadAsync(first, DriveAsync) ?? await AgainAsync();
        await done.CancelAsync();
        await worker;
        await _engine.DisposeAsync();
        return new PlanOutcome(_items, first.Writes, outcome);

        async Task<Dictionary<string, string>> AgainAsync()
        {
            await _engine.DisposeAsync();
            await OpenAsync(new CrashingStore(_disk));
            return await DriveAsync();
        }
    }

    private async Task OpenAsync(CrashingStore store)
    {
        var options = EngineHost.FastRetries with { WaitForStart = false, Retention = new WorkflowRetention(), MaxHeldResults = disturbance.FaultAtWrite % 2 == 0 ? 64 : 0 };
        var engine = new WorkflowEngine(
            EngineHost.AppId, store, EngineHost.Prefix, options, _clock, NullLoggerFactory.Instance);
        await engine.StartAsync(CancellationToken.None);
        _engine = engine;
    }

    private static async Task<T?> UnlessDeadAsync<T>(CrashingStore store, Func<Task<T>> run) where T : class
    {
        var result = run();
        return await Task.WhenAny(result, store.Died) == result && !store.Died.IsCompleted ? await result : null;
    }

    /// <summary>Starts the workflow, raises its events and waits for the end of all instances; repeats what failed.</summary>
    private async Task<Dictionary<string, string>> DriveAsync()
    {
        var engine = _engine;
        using var patience = new CancellationTokenSource(EngineHost.Patience);
        await RepeatAsync(async () =>
        {
            try
            {
                await engine.StartInstanceAsync(new CreateInstanceRequest { Name = "plan", Input = "1", InstanceId = Root }, patience.Token);
            }
            catch (WorkflowException exception) when (exception.Error == WorkflowError.AlreadyExists)
            {
                // The start before the failure was written.
            }
        });
        for (var i = 0; i < plan.Events; i++)
        {
            await RepeatAsync(() => engine.RaiseEventAsync(Root, "go", "go", patience.Token));
        }

        var outcome = new Dictionary<string, string>();
        while (true)
        {
            var (ids, _) = await engine.ListInstanceIdsAsync(null, 0, patience.Token);
            // Children may be created anew until their parent has ended.
            var next = ids.OrderBy(id => id != Root).FirstOrDefault(id => !outcome.ContainsKey(id));
            if (next is null)
            {
                return outcome;
            }

            await RepeatAsync(async () =>
            {
                var state = (await engine.WaitForCompletionAsync(next, payloads: true, patience.Token))!;
                var history = await engine.GetHistoryAsync(next, patience.Token);
                HistoryCheck.Valid(history);
                outcome[next] = $"{state.WorkflowStatus} {state.Output} {state.CustomStatus}\n{Canonical(history)}";
            });
        }

        async Task RepeatAsync(Func<Task> call)
        {
            while (true)
            {
                try
                {
                    await call();
                    return;
                }
                catch (WorkflowException exception) when (exception.Error == WorkflowError.Unavailable && !patience.IsCancellationRequested && engine == _engine)
                {
                    await Task.Yield();
                }
            }
        }
    }

    /// <summary>
    /// Causes and resolutions in the order of their ids, with what they carry. Times, turns, execution ids and the order in
    /// which parallel work ends may differ from run to run; and an event whose acknowledgement was lost is raised twice.
    /// </summary>
    private static string Canonical(IEnumerable<HistoryEvent> history) => string.Join('\n', history.Select(Line).Where(line => line.Length > 0).Order());

    private static string Line(HistoryEvent e)
    {
        var text = e.EventTypeCase switch
        {
            EventKind.TaskScheduled => $"{e.EventId} task {e.TaskScheduled.Name}({e.TaskScheduled.Input})",
            EventKind.TaskCompleted => $"{e.TaskCompleted.TaskScheduledId} completed {e.TaskCompleted.Result}",
            EventKind.TaskFailed => $"{e.TaskFailed.TaskScheduledId} failed {e.TaskFailed.FailureDetails.ErrorMessage}",
            EventKind.TimerCreated => $"{e.EventId} timer",
            EventKind.TimerFired => $"{e.TimerFired.TimerId} fired",
            EventKind.ChildWorkflowInstanceCreated => $"{e.EventId} child {e.ChildWorkflowInstanceCreated.Name} {e.ChildWorkflowInstanceCreated.InstanceId}",
            EventKind.ChildWorkflowInstanceCompleted => $"{e.ChildWorkflowInstanceCompleted.TaskScheduledId} completed {e.ChildWorkflowInstanceCompleted.Result}",
            EventKind.ChildWorkflowInstanceFailed => $"{e.ChildWorkflowInstanceFailed.TaskScheduledId} failed {e.ChildWorkflowInstanceFailed.FailureDetails.ErrorType}",
            EventKind.DetachedWorkflowInstanceCreated => $"{e.EventId} detached {e.DetachedWorkflowInstanceCreated.InstanceId}",
            EventKind.ExecutionStarted => $"started {e.ExecutionStarted.Name}({e.ExecutionStarted.Input}) of {e.ExecutionStarted.ParentInstance?.WorkflowInstance?.InstanceId}",
            EventKind.ExecutionCompleted => $"ended {e.ExecutionCompleted.WorkflowStatus} {e.ExecutionCompleted.Result}",
            _ => "",
        };
        return text.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Workers, one after the other, for the engine of the moment.</summary>
    private async Task WorkAsync(CancellationToken done)
    {
        while (!done.IsCancellationRequested)
        {
            var engine = _engine;
            using var cut = CancellationTokenSource.CreateLinkedTokenSource(done);
            try
            {
                await engine.RunStreamAsync(
                    "", keepsHistories: false,
                    (item, ended) =>
                    {
                        if (Interlocked.Increment(ref _items) == disturbance.CutAtItem)
                        {
                            // Not within the call of the engine: a connection breaks on its own.
                            _ = Task.Run(() => cut.CancelAsync(), CancellationToken.None);
                        }
                        else
                        {
                            _ = Task.Run(() => AnswerAsync(engine, item), CancellationToken.None);
                        }

                        return ValueTask.CompletedTask;
                    },
                    cut.Token);
            }
            catch (WorkflowException)
            {
                await Task.Yield();
            }
        }
    }

    private async Task AnswerAsync(WorkflowEngine engine, WorkItem item)
    {
        try
        {
            if (item.WorkflowRequest is { } turn)
            {
                var script = new Script(turn, item.CompletionToken);
                _workflows[script.Started.Name](script);
                await engine.CompleteTurnAsync(script.Response, CancellationToken.None);
                return;
            }

            var activity = item.ActivityRequest;
            _executions.AddOrUpdate((activity.WorkflowInstance.ExecutionId, activity.TaskId), 1, (_, count) => count + 1);
            var response = new ActivityResponse { InstanceId = activity.WorkflowInstance.InstanceId, TaskId = activity.TaskId, CompletionToken = item.CompletionToken };
            try
            {
                response.Result = Plan.Activity(activity);
            }
            catch (InvalidOperationException exception)
            {
                response.FailureDetails = new TaskFailureDetails { ErrorType = "Flaky", ErrorMessage = exception.Message };
            }

            await engine.CompleteActivityAsync(response, CancellationToken.None);
        }
        catch (WorkflowException)
        {
            // As the SDKs do: a completion that cannot be delivered is dropped.
        }
    }
}
