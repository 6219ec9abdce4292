using Google.Protobuf.WellKnownTypes;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Workflows;
using EventKind = Tandem.Protocol.Workflows.HistoryEvent.EventTypeOneofCase;

namespace Sidecar.Workflows.Tests;

public sealed class SemanticsTests
{
    private static readonly Timestamp Never = new() { Seconds = 253402300799, Nanos = 999999999 };

    private readonly MemoryStore _disk = new();

    [Fact]
    public async Task Active_id_is_refused_and_ended_id_starts_anew_with_a_new_execution()
    {
        await using var host = await StartAsync();
        await using var worker = await WorkerAsync(host);
        using var client = host.Connect();
        await client.StartAsync("wait", "1", "one");
        var first = (await client.GetAsync("one"))!.ExecutionId;

        Assert.Equal(GrpcStatusCode.AlreadyExists, (await Assert.ThrowsAsync<GrpcException>(() => client.StartAsync("wait", "2", "one"))).StatusCode);
        await client.RaiseAsync("one", "go", "done");
        await client.WaitAsync("one");
        await client.StartAsync("wait", "2", "one");

        var again = (await client.GetAsync("one"))!;
        Assert.Equal(OrchestrationStatus.Running, again.WorkflowStatus);
        Assert.Equal("2", again.Input);
        Assert.NotEqual(first, again.ExecutionId);
    }

    [Fact]
    public async Task Ended_parent_is_not_replaced_while_children_run()
    {
        await using var host = await StartAsync();
        await using var worker = await WorkerAsync(host);
        using var client = host.Connect();
        await client.StartAsync("leave-child", "x", "parent");
        await client.WaitAsync("parent");

        Assert.Equal(GrpcStatusCode.AlreadyExists, (await Assert.ThrowsAsync<GrpcException>(() => client.StartAsync("leave-child", "x", "parent"))).StatusCode);
        await client.TerminateAsync("parent");
        Assert.Equal(OrchestrationStatus.Terminated, (await client.WaitAsync("parent:0000"))!.WorkflowStatus);
        await client.StartAsync("leave-child", "x", "parent");
    }

    [Theory]
    [InlineData("bad||id")]
    [InlineData("bad\nid")]
    public async Task Malformed_instance_id_is_refused(string id)
    {
        await using var host = await StartAsync();
        using var client = host.Connect();
        Assert.Equal(GrpcStatusCode.InvalidArgument, (await Assert.ThrowsAsync<GrpcException>(() => client.StartAsync("seq", "x", id))).StatusCode);
        Assert.Equal(0, _disk.Count);
    }

    [Fact]
    public async Task Terminate_ends_parent_and_children_and_tells_the_output()
    {
        await using var host = await StartAsync();
        await using var worker = await WorkerAsync(host);
        using var client = host.Connect();
        await client.StartAsync("parent-waits", "x", "p");
        await Eventually(async () => (await client.GetAsync("p:0000"))?.WorkflowStatus == OrchestrationStatus.Running);

        await client.TerminateAsync("p", "stop");

        var parent = await client.GetAsync("p");
        Assert.Equal(OrchestrationStatus.Terminated, parent!.WorkflowStatus);
        Assert.Equal("stop", parent.Output);
        Assert.Equal(OrchestrationStatus.Terminated, (await client.WaitAsync("p:0000"))!.WorkflowStatus);
    }

    [Fact]
    public async Task Terminate_is_forced_when_the_worker_does_not_end_the_workflow()
    {
        await using var host = await StartAsync();
        using var client = host.Connect();
        using var stop = new CancellationTokenSource();
        var worker = Task.Run(async () =>
        {
            try
            {
                await foreach (var item in client.WorkItems(stop.Token))
                {
                    await client.CompleteAsync(new WorkflowResponse { InstanceId = item.WorkflowRequest.InstanceId, CompletionToken = item.CompletionToken });
                }
            }
            catch (OperationCanceledException)
            {
                // The test is over.
            }
        });
        await Eventually(() => Task.FromResult(host.Engine.GetStatus().Streams == 1));
        await client.StartAsync("stubborn", "x", "s");
        await client.TerminateAsync("s", "out");

        Assert.Equal("out", (await client.WaitAsync("s"))!.Output);
        HistoryCheck.Valid(await client.HistoryAsync("s"));
        await stop.CancelAsync();
        await worker;
    }

    [Fact]
    public async Task Suspend_and_resume_change_the_status_and_keep_events()
    {
        await using var host = await StartAsync();
        await using var worker = await WorkerAsync(host);
        using var client = host.Connect();
        await client.StartAsync("wait", "x", "w");
        await client.SuspendAsync("w");
        Assert.Equal(OrchestrationStatus.Suspended, (await client.GetAsync("w"))!.WorkflowStatus);
        await client.ResumeAsync("w");
        Assert.Equal(OrchestrationStatus.Running, (await client.GetAsync("w"))!.WorkflowStatus);
        await client.RaiseAsync("w", "go", "late");
        Assert.Equal("late", (await client.WaitAsync("w"))!.Output);
    }

    [Fact]
    public async Task Events_on_unknown_instances_are_an_error_and_on_ended_ones_ignored()
    {
        await using var host = await StartAsync();
        await using var worker = await WorkerAsync(host);
        using var client = host.Connect();
        Assert.Equal(GrpcStatusCode.NotFound, (await Assert.ThrowsAsync<GrpcException>(() => client.RaiseAsync("nobody", "go"))).StatusCode);
        await client.StartAsync("seq", "x", "s");
        await client.WaitAsync("s");
        var rows = _disk.Count;
        await client.RaiseAsync("s", "go");
        Assert.Equal(rows, _disk.Count);
        Assert.Null(await client.GetAsync("nobody"));
    }

    [Fact]
    public async Task Timer_without_end_is_recorded_and_never_armed()
    {
        await using var host = await StartAsync();
        await using var worker = await WorkerAsync(host);
        using var client = host.Connect();
        await client.StartAsync("forever", "x", "f");
        Assert.Contains(await client.HistoryAsync("f"), e => e.EventTypeCase == EventKind.TimerCreated && e.TimerCreated.FireAt.Equals(Never));
        Assert.DoesNotContain(host.Engine.GetStatus().ActivityBacklog, _ => true);
        // What is armed is the retention sweep.
        Assert.Equal(1, host.Engine.GetStatus().Timers);
        await client.RaiseAsync("f", "go", "ok");
        Assert.Equal("ok", (await client.WaitAsync("f"))!.Output);
    }

    [Fact]
    public async Task Scheduled_start_waits_for_its_time()
    {
        await using var host = await StartAsync();
        await using var worker = await WorkerAsync(host);
        using var client = host.Connect();
        await client.StartAsync("seq", "x", "later", TimeProvider.System.GetUtcNow().AddHours(1));
        Assert.Equal(OrchestrationStatus.Pending, (await client.GetAsync("later"))!.WorkflowStatus);
        await client.StartAsync("seq", "x", "soon", TimeProvider.System.GetUtcNow().AddMilliseconds(50));
        Assert.Equal(OrchestrationStatus.Completed, (await client.WaitAsync("soon"))!.WorkflowStatus);
        Assert.Equal(OrchestrationStatus.Pending, (await client.GetAsync("later"))!.WorkflowStatus);
        await client.TerminateAsync("later");
        Assert.Equal(OrchestrationStatus.Terminated, (await client.GetAsync("later"))!.WorkflowStatus);
    }

    [Fact]
    public async Task Child_with_the_id_of_a_running_workflow_fails_for_its_parent()
    {
        await using var host = await StartAsync();
        await using var worker = await WorkerAsync(host);
        using var client = host.Connect();
        await client.StartAsync("wait", "x", "taken");
        await client.StartAsync("child-taken", "x", "p");
        Assert.Equal("WorkflowInstanceAlreadyExists", (await client.WaitAsync("p"))!.Output);
    }

    [Fact]
    public async Task Send_event_reaches_another_workflow()
    {
        await using var host = await StartAsync();
        await using var worker = await WorkerAsync(host);
        using var client = host.Connect();
        await client.StartAsync("wait", "x", "target");
        await client.StartAsync("sender", "target", "s");
        Assert.Equal("sent", (await client.WaitAsync("target"))!.Output);
    }

    [Fact]
    public async Task Failed_activity_reaches_the_workflow()
    {
        await using var host = await StartAsync();
        await using var worker = new ScriptedWorker(host)
        {
            Workflows = { ["seq"] = Scripts.Sequence(1) },
            Activity = _ => throw new InvalidOperationException("broken"),
        }.Start();
        using var client = host.Connect();
        await client.StartAsync("seq", "x", "s");
        Assert.Equal("broken", (await client.WaitAsync("s"))!.Output);
        Assert.Contains(await client.HistoryAsync("s"), e => e.EventTypeCase == EventKind.TaskFailed && e.TaskFailed.TaskExecutionId.EndsWith("-0", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Worker_without_tokens_and_with_the_newer_method_name_is_served()
    {
        await using var host = await StartAsync();
        await using var worker = new ScriptedWorker(host)
        {
            Workflows = { ["everything"] = Scripts.Everything, ["child"] = Scripts.Sequence(1) },
            WithoutTokens = true,
            TurnMethod = "CompleteWorkflowTask",
        }.Start();
        using var client = host.Connect();
        await client.StartAsync("everything", "in", "e");
        await client.RaiseAsync("e", "go", "go");
        Assert.Equal(Scripts.EverythingResult, (await client.WaitAsync("e"))!.Output);
    }

    [Fact]
    public async Task Wrong_completion_token_is_refused_and_the_turn_stays()
    {
        await using var host = await StartAsync();
        using var client = host.Connect();
        using var stop = new CancellationTokenSource();
        await using var items = client.WorkItems(stop.Token).GetAsyncEnumerator();
        var next = items.MoveNextAsync();
        await client.StartAsync("x", "x", "t", TimeProvider.System.GetUtcNow().AddMilliseconds(1));
        Assert.True(await next);
        var answer = new WorkflowResponse { InstanceId = "t", CompletionToken = "wrong" };
        Assert.Equal(GrpcStatusCode.NotFound, (await Assert.ThrowsAsync<GrpcException>(() => client.CompleteAsync(answer))).StatusCode);
        answer.CompletionToken = items.Current.CompletionToken;
        await client.CompleteAsync(answer);
        Assert.Equal(GrpcStatusCode.NotFound, (await Assert.ThrowsAsync<GrpcException>(() => client.CompleteAsync(answer))).StatusCode);
        await stop.CancelAsync();
    }

    [Fact]
    public async Task Purge_removes_every_row_of_parent_and_children_and_refuses_running_ones()
    {
        await using var host = await StartAsync();
        await using var worker = await WorkerAsync(host);
        using var client = host.Connect();
        await client.StartAsync("parent-waits", "x", "p");
        await Eventually(async () => (await client.GetAsync("p:0000"))?.WorkflowStatus == OrchestrationStatus.Running);
        Assert.Equal(GrpcStatusCode.FailedPrecondition, (await Assert.ThrowsAsync<GrpcException>(() => client.PurgeAsync("p", recursive: true))).StatusCode);
        await client.RaiseAsync("p:0000", "go", "ok");
        await client.WaitAsync("p");
        Assert.Equal(2, await client.PurgeAsync("p", recursive: true));
        Assert.Equal(0, _disk.Count);
        Assert.Equal(0, await client.PurgeAsync("p"));
    }

    [Fact]
    public async Task Ids_are_listed_in_pages()
    {
        await using var host = await StartAsync();
        using var client = host.Connect();
        string[] ids = ["a", "a-1", "b", "c:0001", "d"];
        foreach (var id in ids)
        {
            await client.StartAsync("seq", "x", id);
        }

        var found = new List<string>();
        string? token = null;
        do
        {
            var page = await client.ListAsync(token, 2);
            found.AddRange(page.InstanceIds);
            token = page.HasContinuationToken ? page.ContinuationToken : null;
        }
        while (token is not null);
        Assert.Equal(ids.Order(), found.Order());
    }

    [Fact]
    public async Task Ended_workflows_leave_memory_and_the_store_after_their_retention()
    {
        var options = EngineHost.FastRetries with { Retention = new WorkflowRetention { AnyTerminal = TimeSpan.Zero }, RetentionSweepInterval = TimeSpan.FromMilliseconds(20) };
        await using var host = await EngineHost.StartAsync(new CrashingStore(_disk), options);
        await using var worker = await WorkerAsync(host);
        using var client = host.Connect();
        for (var i = 0; i < 20; i++)
        {
            await client.StartAsync("seq", "x");
        }

        await Eventually(() => Task.FromResult(host.Engine.GetStatus() is { LoadedInstances: 0, WorkflowsInProgress: 0 } && _disk.Count == 0));
    }

    [Fact]
    public async Task Cold_instances_are_read_again_when_their_events_come()
    {
        await using var host = await EngineHost.StartAsync(new CrashingStore(_disk), EngineHost.FastRetries with { HotStateBytes = 0 });
        await using var worker = await WorkerAsync(host);
        using var client = host.Connect();
        await client.StartAsync("wait", "x", "w");
        await Eventually(() => Task.FromResult(host.Engine.GetStatus().LoadedInstances == 0));
        await client.RaiseAsync("w", "go", "warm");
        Assert.Equal("warm", (await client.WaitAsync("w"))!.Output);
        Assert.Equal(OrchestrationStatus.Completed, (await Run(client, "seq")).WorkflowStatus);
    }

    [Fact]
    public async Task Streams_share_work_within_their_limits()
    {
        var options = EngineHost.FastRetries with { MaxActivitiesPerStream = 2 };
        await using var host = await EngineHost.StartAsync(new CrashingStore(_disk), options);
        var running = 0;
        var most = 0;
        var release = new TaskCompletionSource();
        async Task<string?> Slow(ActivityRequest request)
        {
            var now = Interlocked.Increment(ref running);
            InterlockedMax(ref most, now);
            await release.Task;
            Interlocked.Decrement(ref running);
            return "ok";
        }

        await using var one = new ScriptedWorker(host) { Workflows = { ["fan"] = Fan }, Activity = Slow }.Start();
        await using var two = new ScriptedWorker(host) { Workflows = { ["fan"] = Fan }, Activity = Slow }.Start();
        await Eventually(() => Task.FromResult(host.Engine.GetStatus().Streams == 2));
        using var client = host.Connect();
        await client.StartAsync("fan", "x", "f");
        await Eventually(() => Task.FromResult(host.Engine.GetStatus() is { ActivitiesInFlight: 4 } status && status.ActivityBacklog["p"] == 6));
        release.SetResult();
        await client.WaitAsync("f");
        Assert.True(most <= 4);
        Assert.Empty(host.Engine.GetStatus().ActivityBacklog);
        HistoryCheck.Valid(await client.HistoryAsync("f"));

        static void Fan(Script script)
        {
            if (Enumerable.Range(0, 10).Select(i => script.Task(i, "p", "x")).ToList().TrueForAll(result => result is not null))
            {
                script.Complete("all");
            }
        }
    }

    [Fact]
    public async Task Stalled_workflow_goes_on_with_a_worker_that_has_its_version()
    {
        await using var host = await StartAsync();
        using var client = host.Connect();
        await using (var old = new ScriptedWorker(host)
        {
            Workflows = { ["seq"] = s => s.Response.Actions.Add(new WorkflowAction { WorkflowVersionNotAvailable = new WorkflowVersionNotAvailableAction() }) },
        }.Start())
        {
            await client.StartAsync("seq", "x", "s");
            await Eventually(async () => (await client.GetAsync("s"))!.WorkflowStatus == OrchestrationStatus.Stalled);
            Assert.Equal(GrpcStatusCode.FailedPrecondition, (await Assert.ThrowsAsync<GrpcException>(() => client.RaiseAsync("s", "go"))).StatusCode);
        }

        await using var worker = await WorkerAsync(host);
        Assert.Equal("a(x)", (await client.WaitAsync("s"))!.Output);
    }

    [Fact]
    public async Task Worker_that_connects_while_an_instance_stalls_gets_it()
    {
        await using var host = await StartAsync();
        using var client = host.Connect();
        using var connected = new ManualResetEventSlim();
        var turns = 0;
        await using (var old = new ScriptedWorker(host)
        {
            Workflows =
            {
                ["seq"] = s =>
                {
                    // Only the first turn is answered.
                    connected.Wait(EngineHost.Patience);
                    Assert.Equal(1, Interlocked.Increment(ref turns));
                    s.Response.Actions.Add(new WorkflowAction { WorkflowVersionNotAvailable = new WorkflowVersionNotAvailableAction() });
                },
            },
        }.Start())
        {
            var start = client.StartAsync("seq", "x", "s");
            await Eventually(() => Task.FromResult(old.Turns.Count == 1));
            await using var worker = NewWorker(host);
            await Eventually(() => Task.FromResult(host.Engine.GetStatus().Streams == 2));
            connected.Set();
            await Eventually(async () => (await client.GetAsync("s"))!.WorkflowStatus is OrchestrationStatus.Stalled or OrchestrationStatus.Completed);

            await old.DisposeAsync();
            Assert.Equal("a(x)", (await client.WaitAsync("s"))!.Output);
            await start;
        }
    }

    [Fact]
    public async Task Activities_that_wait_for_a_worker_end_with_their_workflow()
    {
        await using var host = await EngineHost.StartAsync(new CrashingStore(_disk), EngineHost.FastRetries with { MaxActivitiesPerStream = 1 });
        using var client = host.Connect();
        var release = new TaskCompletionSource();
        var entered = new TaskCompletionSource();
        await using var worker = new ScriptedWorker(host)
        {
            Workflows =
            {
                ["two"] = s =>
                {
                    s.Task(0, "hold", "x");
                    s.Task(1, "queued", "x");
                },
                ["seq"] = Scripts.Sequence(1),
            },
            Activity = async request =>
            {
                if (request.Name == "hold")
                {
                    entered.TrySetResult();
                    await release.Task;
                }

                return request.Name;
            },
        }.Start();
        await Eventually(() => Task.FromResult(host.Engine.GetStatus().Streams > 0));
        await client.StartAsync("two", "x", "t");
        await entered.Task.WaitAsync(EngineHost.Patience);

        await client.TerminateAsync("t");
        await client.StartAsync("seq", "x", "after");
        release.SetResult();
        await client.WaitAsync("after");

        Assert.DoesNotContain(worker.Executions.Keys, key => key.Task == 1);
    }

    private static void InterlockedMax(ref int target, int value)
    {
        for (var seen = Volatile.Read(ref target); value > seen; seen = Interlocked.CompareExchange(ref target, value, seen))
        {
            if (Interlocked.CompareExchange(ref target, value, seen) == seen)
            {
                return;
            }
        }
    }

    private static async Task<WorkflowState> Run(TaskHubClient client, string name) => (await client.WaitAsync(await client.StartAsync(name, "x")))!;

    private static async Task Eventually(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(EngineHost.Patience);
        while (!await condition())
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Delay(5, patience.Token);
        }
    }

    /// <summary>A worker that is connected: without one, calls return before their effect.</summary>
    private static async Task<ScriptedWorker> WorkerAsync(EngineHost host)
    {
        var worker = NewWorker(host);
        await Eventually(() => Task.FromResult(host.Engine.GetStatus().Streams > 0));
        return worker;
    }

    private static ScriptedWorker NewWorker(EngineHost host) => new ScriptedWorker(host)
    {
        Workflows =
        {
            ["seq"] = Scripts.Sequence(1),
            ["wait"] = s => CompleteOn(s, s.Event()),
            ["forever"] = s => { s.Timer(0, Never); CompleteOn(s, s.Event()); },
            ["parent-waits"] = s => CompleteOn(s, s.Child(0, "wait", "c")),
            ["leave-child"] = s => { s.Child(0, "wait", "c"); s.Complete("left"); },
            ["child-taken"] = s => CompleteOn(s, s.Child(0, "wait", "c", "taken")),
            ["sender"] = s =>
            {
                s.Act(0, new WorkflowAction { SendEvent = new SendEventAction { Instance = new WorkflowInstance { InstanceId = s.Started.Input }, Name = "go", Data = "sent" } });
                s.Complete("ok");
            },
        },
    }.Start();

    private static void CompleteOn(Script script, string? result)
    {
        if (result is not null)
        {
            script.Complete(result);
        }
    }

    private Task<EngineHost> StartAsync() => EngineHost.StartAsync(new CrashingStore(_disk));
}
