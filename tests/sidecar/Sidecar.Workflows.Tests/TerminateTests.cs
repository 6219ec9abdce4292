using Sidecar.Abstractions;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Workflows;
using EventKind = Tandem.Protocol.Workflows.HistoryEvent.EventTypeOneofCase;

namespace Sidecar.Workflows.Tests;

/// <summary>Termination and removal need no worker and wait for none: no zombies, no calls that hang.</summary>
public sealed class TerminateTests
{
    private readonly MemoryStore _disk = new();

    [Fact]
    public async Task Ends_workflow_and_children_of_an_app_that_is_away_and_purges_them()
    {
        await using var host = await EngineHost.StartAsync(new CrashingStore(_disk));
        using var client = host.Connect();
        await using (var worker = Worker(host))
        {
            await host.UntilStreamsAsync(1);
            await client.StartAsync("parent", "x", "p");
            await client.StartAsync("idle", "x", "i");
            await UntilAsync(async () => (await client.GetAsync("p:0000"))?.WorkflowStatus == OrchestrationStatus.Running);
        }

        await host.UntilStreamsAsync(0);
        await client.StartAsync("idle", "x", "never-started");
        await client.TerminateAsync("p", "stop");
        await client.TerminateAsync("never-started");

        Assert.Equal("stop", (await client.GetAsync("p"))!.Output);
        Assert.Equal(OrchestrationStatus.Terminated, (await client.WaitAsync("p:0000"))!.WorkflowStatus);
        Assert.Equal(OrchestrationStatus.Terminated, (await client.GetAsync("never-started"))!.WorkflowStatus);
        HistoryCheck.Valid(await client.HistoryAsync("p"));
        HistoryCheck.Valid(await client.HistoryAsync("never-started"));
        Assert.Equal(2, await client.PurgeAsync("p", recursive: true));
        Assert.Equal(GrpcStatusCode.FailedPrecondition, (await Assert.ThrowsAsync<GrpcException>(() => client.PurgeAsync("i"))).StatusCode);
        Assert.Equal(1, await client.PurgeAsync("i", force: true));
        Assert.Equal(1, await client.PurgeAsync("never-started"));
        Assert.Equal(0, _disk.Count);
        Assert.Equal(0, host.Engine.GetStatus().WorkflowsInProgress);
    }

    [Fact]
    public async Task Ends_a_workflow_whose_worker_never_answers_and_refuses_the_late_answer()
    {
        await using var host = await EngineHost.StartAsync(new CrashingStore(_disk), EngineHost.FastRetries with { WaitForStart = false, MaxTurnsPerStream = 1 });
        using var client = host.Connect();
        using var stop = new CancellationTokenSource(EngineHost.Patience);
        await using var work = client.WorkItems(stop.Token).GetAsyncEnumerator(stop.Token);
        var next = work.MoveNextAsync();
        await host.UntilStreamsAsync(1);
        await client.StartAsync("hangs", "x", "h");
        Assert.True(await next);
        var hanging = work.Current;

        await client.TerminateAsync("h", "enough");
        // Its place on the stream is free again.
        await client.StartAsync("next", "x", "n");
        Assert.True(await work.MoveNextAsync());
        Assert.Equal("n", work.Current.WorkflowRequest.InstanceId);

        var late = await Assert.ThrowsAsync<GrpcException>(() => client.CompleteAsync(
            new WorkflowResponse { InstanceId = "h", CompletionToken = hanging.CompletionToken }));
        Assert.Equal(GrpcStatusCode.NotFound, late.StatusCode);
        Assert.Equal("enough", (await client.GetAsync("h"))!.Output);
        HistoryCheck.Valid(await client.HistoryAsync("h"));
        await stop.CancelAsync();
    }

    [Fact]
    public async Task Termination_and_forced_purge_while_activities_run_drop_their_results()
    {
        await using var host = await EngineHost.StartAsync(new CrashingStore(_disk));
        using var client = host.Connect();
        var release = new TaskCompletionSource();
        using var entered = new SemaphoreSlim(0);
        await using var worker = new ScriptedWorker(host)
        {
            Workflows = { ["two"] = Scripts.Parallel(2) },
            Activity = async _ =>
            {
                entered.Release();
                await release.Task;
                return "late";
            },
        }.Start();
        await host.UntilStreamsAsync(1);
        await client.StartAsync("two", "x", "t");
        await client.StartAsync("two", "x", "p");
        for (var i = 0; i < 4; i++)
        {
            Assert.True(await entered.WaitAsync(EngineHost.Patience, TestContext.Current.CancellationToken));
        }

        await client.TerminateAsync("t");
        Assert.Equal(1, await client.PurgeAsync("p", force: true));
        // The same id again, while a result for the removed one is still to come.
        await client.StartAsync("two", "x", "p");
        release.SetResult();

        Assert.Equal("late,late", (await client.WaitAsync("p"))!.Output);
        Assert.DoesNotContain(await client.HistoryAsync("t"), e => e.EventTypeCase == EventKind.TaskCompleted);
        await UntilAsync(() => Task.FromResult(host.Engine.GetStatus() is { ActivitiesInFlight: 0, ActivityBacklog.Count: 0 }));
    }

    [Fact]
    public async Task Repeated_and_racing_terminations_and_purges_agree()
    {
        await using var host = await EngineHost.StartAsync(new CrashingStore(_disk));
        using var client = host.Connect();
        await using var worker = Worker(host);
        await host.UntilStreamsAsync(1);
        for (var round = 0; round < 20; round++)
        {
            await client.StartAsync("parent", "x", "p");
            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => client.TerminateAsync("p")));
            Assert.Equal(OrchestrationStatus.Terminated, (await client.GetAsync("p"))!.WorkflowStatus);
            // The child may not exist yet, or not have ended; then nothing of its parent is removed.
            await UntilAsync(async () => (await client.GetAsync("p:0000"))?.WorkflowStatus is null or OrchestrationStatus.Terminated);
            var removed = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => client.PurgeAsync("p", recursive: true)));
            Assert.InRange(removed.Sum(), 1, 2);
        }

        Assert.Equal(0, _disk.Count);
        Assert.Equal(0, host.Engine.GetStatus().WorkflowsInProgress);
    }

    [Fact]
    public async Task Survives_a_death_at_every_write_of_a_recursive_termination()
    {
        foreach (var fault in Enum.GetValues<Fault>())
        {
            for (var write = 1; write <= 6; write++)
            {
                var disk = new MemoryStore();
                await using var host = await EngineHost.StartAsync(new CrashingStore(disk));
                using var client = host.Connect();
                await using (var worker = Worker(host))
                {
                    await host.UntilStreamsAsync(1);
                    await client.StartAsync("parent", "x", "p");
                    await UntilAsync(async () => (await client.GetAsync("p:0000"))?.WorkflowStatus == OrchestrationStatus.Running);
                }

                await host.UntilStreamsAsync(0);
                var store = new CrashingStore(disk, write, fault);
                await host.RestartAsync(store);
                await Ignoring(client.TerminateAsync("p", "stop"), store.Died);
                await host.RestartAsync(new CrashingStore(disk));
                await client.TerminateAsync("p", "stop");
                Assert.Equal("stop", (await client.WaitAsync("p"))!.Output);
                Assert.Equal(OrchestrationStatus.Terminated, (await client.WaitAsync("p:0000"))!.WorkflowStatus);
                HistoryCheck.Valid(await client.HistoryAsync("p"));
                HistoryCheck.Valid(await client.HistoryAsync("p:0000"));
            }
        }
    }

    [Fact]
    public async Task Instance_with_a_damaged_history_hurts_no_other_and_can_be_purged_by_force()
    {
        await using var host = await EngineHost.StartAsync(new CrashingStore(_disk));
        using var client = host.Connect();
        await using var worker = Worker(host);
        await host.UntilStreamsAsync(1);
        await client.StartAsync("parent", "x", "damaged");
        await _disk.WriteAsync(new StateWrite($"{EngineHost.Prefix}damaged||history-000001", null), CancellationToken.None);
        await host.RestartAsync(new CrashingStore(_disk));

        await client.StartAsync("seq", "x", "healthy");
        Assert.Equal("a(x)", (await client.WaitAsync("healthy"))!.Output);
        var told = await Assert.ThrowsAsync<GrpcException>(() => client.HistoryAsync("damaged"));
        Assert.Contains("workflow instance 'damaged' lacks the row", told.Message, StringComparison.Ordinal);
        Assert.Equal(1, await client.PurgeAsync("damaged", recursive: true, force: true));
        Assert.Null(await client.GetAsync("damaged"));
    }

    [Fact]
    public async Task Purge_by_filter_takes_ended_instances_of_a_time_and_status()
    {
        var clock = new TestKit.ManualTimeProvider();
        await using var host = await EngineHost.StartAsync(new CrashingStore(_disk), time: clock);
        using var client = host.Connect();
        await using var worker = Worker(host);
        await host.UntilStreamsAsync(1);
        await RunAsync("early");
        clock.Advance(TimeSpan.FromMinutes(1));
        var middle = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(clock.GetUtcNow());
        await RunAsync("late");
        await client.StartAsync("idle", "x", "terminated");
        await client.TerminateAsync("terminated");
        await client.StartAsync("idle", "x", "runs");

        Assert.Equal(1, await client.PurgeAsync(new PurgeInstanceFilter { CreatedTimeTo = middle, RuntimeStatus = { OrchestrationStatus.Terminated } }));
        Assert.Equal(1, await client.PurgeAsync(new PurgeInstanceFilter { CreatedTimeFrom = middle }));
        Assert.NotNull(await client.GetAsync("early"));
        Assert.Equal(1, await client.PurgeAsync(new PurgeInstanceFilter(), recursive: true));
        Assert.Equal(["runs"], (await client.ListAsync(null, 0)).InstanceIds);
        Assert.Equal(1, await client.PurgeAsync(new PurgeInstanceFilter { RuntimeStatus = { OrchestrationStatus.Running } }, force: true));
        Assert.Equal(0, _disk.Count);

        async Task RunAsync(string id)
        {
            await client.StartAsync("seq", "x", id);
            await client.WaitAsync(id);
        }
    }

    [Fact]
    public async Task Retention_is_by_status_and_punctual()
    {
        var clock = new TestKit.ManualTimeProvider();
        var options = EngineHost.FastRetries with
        {
            Retention = new WorkflowRetention { AnyTerminal = TimeSpan.FromHours(3), Completed = TimeSpan.FromSeconds(10), Terminated = TimeSpan.FromSeconds(20) },
        };
        await using var host = await EngineHost.StartAsync(new CrashingStore(_disk), options, clock);
        using var client = host.Connect();
        await using var worker = Worker(host);
        await host.UntilStreamsAsync(1);
        await client.StartAsync("seq", "x", "completed");
        await client.StartAsync("fails", "x", "failed");
        await client.StartAsync("idle", "x", "terminated");
        await client.StartAsync("idle", "x", "runs");
        await client.TerminateAsync("terminated");
        await client.WaitAsync("completed");
        await client.WaitAsync("failed");
        await client.WaitAsync("terminated");

        await AdvancedAsync(TimeSpan.FromSeconds(10), "failed", "runs", "terminated");
        await AdvancedAsync(TimeSpan.FromSeconds(10), "failed", "runs");
        await AdvancedAsync(TimeSpan.FromHours(2), "failed", "runs");
        await AdvancedAsync(TimeSpan.FromHours(2), "runs");

        async Task AdvancedAsync(TimeSpan by, params string[] left)
        {
            clock.Advance(by + TimeSpan.FromMilliseconds(2));
            await UntilAsync(async () => (await client.ListAsync(null, 0)).InstanceIds.Order().SequenceEqual(left));
            // A sweep is due anew an hour from its end: if the clock moved while it ran, that hour would begin too late.
            await UntilAsync(() => Task.FromResult(clock.NextTimer > clock.GetUtcNow()));
        }
    }

    [Fact]
    public async Task Retention_counts_from_the_end_across_a_restart()
    {
        var options = EngineHost.FastRetries with { Retention = new WorkflowRetention { Completed = TimeSpan.FromMilliseconds(1) } };
        await using var host = await EngineHost.StartAsync(new CrashingStore(_disk), EngineHost.FastRetries with { Retention = new WorkflowRetention() });
        using var client = host.Connect();
        await using var worker = Worker(host);
        await client.StartAsync("seq", "x", "s");
        await client.WaitAsync("s");
        await host.RestartAsync(new CrashingStore(_disk), options);
        await UntilAsync(() => Task.FromResult(_disk.Count == 0));
    }

    private static ScriptedWorker Worker(EngineHost host) => new ScriptedWorker(host)
    {
        Workflows =
        {
            ["idle"] = s => s.Event(),
            ["parent"] = s => s.Child(0, "idle", "c"),
            ["seq"] = Scripts.Sequence(1),
            ["fails"] = s => s.Complete(null, OrchestrationStatus.Failed),
        },
    }.Start();

    private static async Task Ignoring(Task call, Task died)
    {
        try
        {
            // A dead engine answers nobody.
            await Task.WhenAny(call, died);
            if (call.IsCompleted)
            {
                await call;
            }
        }
        catch (GrpcException)
        {
            // The store has failed.
        }
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(EngineHost.Patience);
        while (!await condition())
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Delay(5, patience.Token);
        }
    }
}
