using System.Collections.Concurrent;
using Tandem.Protocol.Workflows;
using EventKind = Tandem.Protocol.Workflows.HistoryEvent.EventTypeOneofCase;

namespace Sidecar.Workflows.Tests;

/// <summary>Activities and child workflows of another app of the process (grpc §5.3, the router of an action).</summary>
public sealed class CrossAppTests
{
    private readonly MemoryStore _disk = new();
    private readonly ConcurrentDictionary<string, EngineHost> _hosts = [];

    [Fact]
    public async Task Activity_runs_at_the_other_app()
    {
        await using var one = await StartAsync("one");
        await using var two = await StartAsync("two");
        await using var worker = Worker(one, "one");
        await using var other = Worker(two, "two");
        using var client = one.Connect();
        await client.StartAsync("calls-activity", "two", "w");

        Assert.Equal("two:a(x)", (await client.WaitAsync("w"))!.Output);
        Assert.Empty(worker.Executions);
        var scheduled = Assert.Single(await client.HistoryAsync("w"), e => e.EventTypeCase == EventKind.TaskScheduled);
        Assert.Equal(("one", "two"), (scheduled.Router.SourceAppID, scheduled.Router.TargetAppID));
    }

    [Fact]
    public async Task Same_instance_and_task_ids_of_two_apps_are_kept_apart()
    {
        await using var one = await StartAsync("one");
        await using var two = await StartAsync("two");
        await using var worker = Worker(one, "one");
        await using var other = Worker(two, "two", tokens: false);
        using var client = one.Connect();
        using var second = two.Connect();
        for (var i = 0; i < 20; i++)
        {
            await Task.WhenAll(client.StartAsync("calls-activity", "two", $"w{i}"), second.StartAsync("calls-activity", "one", $"w{i}"));
            Assert.Equal("two:a(x)", (await client.WaitAsync($"w{i}"))!.Output);
            Assert.Equal("one:a(x)", (await second.WaitAsync($"w{i}"))!.Output);
        }
    }

    [Fact]
    public async Task Child_runs_in_the_other_app_and_tells_its_parent()
    {
        await using var one = await StartAsync("one");
        await using var two = await StartAsync("two");
        await using var worker = Worker(one, "one");
        await using var other = Worker(two, "two");
        using var client = one.Connect();
        using var second = two.Connect();
        await client.StartAsync("calls-child", "two", "p");

        Assert.Equal("two:a(x)", (await client.WaitAsync("p"))!.Output);
        Assert.Null(await client.GetAsync("p:0000"));
        Assert.Equal(("p", "one"), (await second.GetAsync("p:0000")) is { } child ? (child.ParentInstanceId, child.ParentAppId) : default);
        Assert.Equal(2, await client.PurgeAsync("p", recursive: true));
        Assert.Equal(0, _disk.Count);
    }

    [Fact]
    public async Task Termination_reaches_children_in_the_other_app()
    {
        await using var one = await StartAsync("one");
        await using var two = await StartAsync("two");
        await using var worker = Worker(one, "one");
        using var client = one.Connect();
        using var second = two.Connect();
        await one.UntilStreamsAsync(1);
        await client.StartAsync("calls-child", "two", "p");
        await UntilAsync(async () => await second.GetAsync("p:0000") is not null);

        await client.TerminateAsync("p", "stop");
        Assert.Equal("stop", (await second.WaitAsync("p:0000"))!.Output);
    }

    [Fact]
    public async Task Work_waits_for_the_other_app_and_survives_restarts_of_both_engines()
    {
        await using var one = await StartAsync("one");
        await using var two = await StartAsync("two");
        using var client = one.Connect();
        await using (var worker = Worker(one, "one"))
        {
            await one.UntilStreamsAsync(1);
            await client.StartAsync("calls-activity", "two", "a");
            await client.StartAsync("calls-child", "two", "c");
            await UntilAsync(() => Task.FromResult(two.Engine.GetStatus() is { ActivityBacklog.Count: 1, WorkflowsInProgress: 1 }));
        }

        await two.RestartAsync(new CrashingStore(_disk));
        await one.RestartAsync(new CrashingStore(_disk));
        await using var again = Worker(one, "one");
        await using var other = Worker(two, "two");
        Assert.Equal("two:a(x)", (await client.WaitAsync("a"))!.Output);
        Assert.Equal("two:a(x)", (await client.WaitAsync("c"))!.Output);
    }

    [Fact]
    public async Task App_that_joins_later_is_waited_for()
    {
        await using var one = await StartAsync("one");
        await using var worker = Worker(one, "one");
        using var client = one.Connect();
        await one.UntilStreamsAsync(1);
        await client.StartAsync("calls-activity", "two", "a");
        await client.StartAsync("calls-child", "two", "c");
        await one.RestartAsync(new CrashingStore(_disk));
        await client.StartAsync("calls-child", "nobody", "terminated");
        await client.TerminateAsync("terminated");
        Assert.Equal(OrchestrationStatus.Terminated, (await client.GetAsync("terminated"))!.WorkflowStatus);

        await using var two = await StartAsync("two");
        await using var other = Worker(two, "two");
        Assert.Equal("two:a(x)", (await client.WaitAsync("a"))!.Output);
        Assert.Equal("two:a(x)", (await client.WaitAsync("c"))!.Output);
    }

    [Fact]
    public async Task Parent_of_an_app_that_is_away_hears_of_the_end_when_it_is_back()
    {
        var one = await StartAsync("one");
        await using var two = await StartAsync("two");
        using var client = one.Connect();
        using var second = two.Connect();
        await using (var worker = Worker(one, "one"))
        {
            await one.UntilStreamsAsync(1);
            await client.StartAsync("calls-child", "two", "p");
            await UntilAsync(async () => await second.GetAsync("p:0000") is not null);
        }

        await one.DisposeAsync();
        _hosts.TryRemove("one", out _);
        await using var other = Worker(two, "two");
        Assert.Equal("two:a(x)", (await second.WaitAsync("p:0000"))!.Output);

        await using var again = await StartAsync("one");
        await using var back = Worker(again, "one");
        using var reconnected = again.Connect();
        Assert.Equal("two:a(x)", (await reconnected.WaitAsync("p"))!.Output);
    }

    private async Task<EngineHost> StartAsync(string appId)
    {
        var host = await EngineHost.StartAsync(new CrashingStore(_disk), appId: appId, peers: id => _hosts.GetValueOrDefault(id)?.Engine);
        return _hosts[appId] = host;
    }

    private static ScriptedWorker Worker(EngineHost host, string appId, bool tokens = true) => new ScriptedWorker(host)
    {
        Workflows =
        {
            ["calls-activity"] = s =>
            {
                s.Target = s.Started.Input;
                CompleteWith(s, s.Task(0, "a", "x"));
            },
            ["calls-child"] = s =>
            {
                s.Target = s.Started.Input;
                CompleteWith(s, s.Child(0, "child", "x"));
            },
            ["child"] = s => CompleteWith(s, s.Task(0, "a", "x")),
        },
        Activity = r => Task.FromResult<string?>($"{appId}:{r.Name}({r.Input})"),
        WithoutTokens = !tokens,
    }.Start();

    private static void CompleteWith(Script script, string? result)
    {
        if (result is not null)
        {
            script.Complete(result);
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
