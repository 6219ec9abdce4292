using Tandem.Protocol.Workflows;
using EventKind = Tandem.Protocol.Workflows.HistoryEvent.EventTypeOneofCase;

namespace Sidecar.Workflows.Tests;

/// <summary>Histories that are long, that workers keep (grpc §5.8), and what they say of versions (grpc §5.10).</summary>
public sealed class HistoryTests
{
    private readonly MemoryStore _disk = new();

    [Fact]
    public async Task Worker_that_keeps_histories_gets_only_what_is_new()
    {
        await using var host = await EngineHost.StartAsync(new CrashingStore(_disk));
        await using var worker = new ScriptedWorker(host) { Workflows = { ["seq"] = Scripts.Sequence(4) }, KeepsHistories = true }.Start();
        using var client = host.Connect();
        await client.StartAsync("seq", "x", "s");
        Assert.Equal("a(a(a(a(x))))", (await client.WaitAsync("s"))!.Output);

        // The first turn has no past; of the second all is new; then the past of the turn before is known.
        Assert.Equal([null, null, 3, 6, 9], worker.Turns.Select(t => t.CachedHistory?.EventCount));
        Assert.Equal([0, 3, 3, 3, 3], worker.Turns.Select(t => t.PastEvents.Count));
        Assert.Equal(0, worker.Misses);
    }

    [Fact]
    public async Task Worker_that_has_forgotten_reads_the_history()
    {
        await using var host = await EngineHost.StartAsync(new CrashingStore(_disk));
        ScriptedWorker? worker = null;
        await using var forgetful = worker = new ScriptedWorker(host)
        {
            Workflows = { ["seq"] = Scripts.Sequence(4) },
            KeepsHistories = true,
            Activity = r =>
            {
                worker!.Histories.Clear();
                return Task.FromResult<string?>($"a({r.Input})");
            },
        }.Start();
        using var client = host.Connect();
        await client.StartAsync("seq", "x", "s");
        Assert.Equal("a(a(a(a(x))))", (await client.WaitAsync("s"))!.Output);
        Assert.Equal(3, worker.Misses);
    }

    [Fact]
    public async Task New_execution_and_new_stream_begin_with_the_whole_history()
    {
        await using var host = await EngineHost.StartAsync(new CrashingStore(_disk));
        using var client = host.Connect();
        for (var cut = 2; cut < 8; cut++)
        {
            await using var worker = new ScriptedWorker(host)
            {
                Workflows = { ["everything"] = Scripts.Everything, ["child"] = Scripts.Sequence(1) },
                KeepsHistories = true,
                CutAtItem = cut,
            }.Start();
            await client.StartAsync("everything", "in", $"e{cut}");
            await client.RaiseAsync($"e{cut}", "go", "go");
            Assert.Equal(Scripts.EverythingResult, (await client.WaitAsync($"e{cut}"))!.Output);
        }
    }

    [Fact]
    public async Task Turns_and_histories_larger_than_a_message_usually_may_be_go_through()
    {
        var large = new string('x', 3 * 1024 * 1024);
        await using var host = await EngineHost.StartAsync(new CrashingStore(_disk));
        await using var worker = new ScriptedWorker(host)
        {
            Workflows =
            {
                ["large"] = s =>
                {
                    if (Enumerable.Range(0, 6).All(i => s.Task(i, "a", "x") is not null))
                    {
                        s.Complete("done");
                    }
                },
            },
            Activity = _ => Task.FromResult<string?>(large),
        }.Start();
        using var client = host.Connect();
        await client.StartAsync("large", "x", "l");
        Assert.Equal("done", (await client.WaitAsync("l"))!.Output);
        Assert.Equal(6 * large.Length, (await client.HistoryAsync("l")).Sum(e => e.TaskCompleted?.Result.Length ?? 0));
    }

    [Fact]
    public async Task Patches_are_recorded_once_each_with_the_turn_that_applied_them()
    {
        await using var host = await EngineHost.StartAsync(new CrashingStore(_disk));
        await using var worker = Patched(host, s => s.Task(0, "a", "x") is null ? ["one"] : ["one", "two"]);
        using var client = host.Connect();
        await client.StartAsync("patched", "x", "p");
        Assert.Equal("done", (await client.WaitAsync("p"))!.Output);
        var versions = (await client.HistoryAsync("p")).Where(e => e.EventTypeCase == EventKind.WorkflowStarted).Select(e => e.WorkflowStarted.Version);
        Assert.Equal(["v: one", "v: two"], versions.Select(v => $"{v.Name}: {string.Join(',', v.Patches)}"));
    }

    [Fact]
    public async Task Worker_without_a_recorded_patch_stalls_the_instance_until_one_with_it_connects()
    {
        await using var host = await EngineHost.StartAsync(new CrashingStore(_disk));
        using var client = host.Connect();
        await using (var old = Patched(host, s => [s.Task(0, "a", "x") is null ? "one" : "other"]))
        {
            await client.StartAsync("patched", "x", "p");
            await UntilAsync(async () => (await client.GetAsync("p"))!.WorkflowStatus == OrchestrationStatus.Stalled);
            await host.RestartAsync(new CrashingStore(_disk));
            await UntilAsync(() => Task.FromResult(host.Engine.GetStatus().Streams == 1 && old.Turns.Count >= 3));
            await UntilAsync(async () => (await client.GetAsync("p"))!.WorkflowStatus == OrchestrationStatus.Stalled);
            var stalled = Assert.Single(await client.HistoryAsync("p"), e => e.EventTypeCase == EventKind.ExecutionStalled).ExecutionStalled;
            Assert.Equal(StalledReason.PatchMismatch, stalled.Reason);
            Assert.Equal("Patch mismatch. History patches: [one], current patches: [other]", stalled.Description);
        }

        await using var worker = Patched(host, _ => ["one"]);
        Assert.Equal("done", (await client.WaitAsync("p"))!.Output);
    }

    [Fact]
    public async Task Stalled_instance_can_be_terminated_and_purged()
    {
        await using var host = await EngineHost.StartAsync(new CrashingStore(_disk));
        using var client = host.Connect();
        await using var old = new ScriptedWorker(host)
        {
            Workflows = { ["v"] = s => s.Response.Actions.Add(new WorkflowAction { WorkflowVersionNotAvailable = new WorkflowVersionNotAvailableAction() }) },
        }.Start();
        await host.UntilStreamsAsync(1);
        await client.StartAsync("v", "x", "s");
        await UntilAsync(async () => (await client.GetAsync("s"))!.WorkflowStatus == OrchestrationStatus.Stalled);
        var stalled = Assert.Single(await client.HistoryAsync("s")).ExecutionStalled;
        Assert.Equal(StalledReason.VersionNotAvailable, stalled.Reason);
        await client.TerminateAsync("s", "gone");
        Assert.Equal("gone", (await client.GetAsync("s"))!.Output);
        Assert.Equal(1, await client.PurgeAsync("s"));
        Assert.Equal(0, _disk.Count);
    }

    private static ScriptedWorker Patched(EngineHost host, Func<Script, string[]> patches) => new ScriptedWorker(host)
    {
        Workflows =
        {
            ["patched"] = s =>
            {
                s.Response.Version = new WorkflowVersion { Name = "v", Patches = { patches(s) } };
                if (s.Task(0, "a", "x") is not null)
                {
                    s.Complete("done");
                }
            },
        },
    }.Start();

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
