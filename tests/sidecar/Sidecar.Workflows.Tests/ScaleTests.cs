using System.Diagnostics;
using Sidecar.Abstractions;
using Tandem.Protocol.Workflows;
using EventKind = Tandem.Protocol.Workflows.HistoryEvent.EventTypeOneofCase;

namespace Sidecar.Workflows.Tests;

/// <summary>Many at once, and many that have ended.</summary>
public sealed class ScaleTests
{
    [Fact]
    public async Task Fan_out_of_a_thousand_activities_completes()
    {
        await using var host = await EngineHost.StartAsync(new CrashingStore(new MemoryStore()));
        await using var worker = new ScriptedWorker(host) { Workflows = { ["fan"] = Scripts.Parallel(1000) }, KeepsHistories = true }.Start();
        using var client = host.Connect();
        await client.StartAsync("fan", "x", "f");
        Assert.Equal(1000, (await client.WaitAsync("f"))!.Output.Split(',').Length);
        var history = await client.HistoryAsync("f");
        HistoryCheck.Valid(history);
        Assert.Equal(1000, history.Count(e => e.EventTypeCase == EventKind.TaskCompleted));
        Assert.All(worker.Executions.Values, count => Assert.Equal(1, count));
        // Results that arrive while a turn runs wait for the next and share it.
        Assert.True(worker.Turns.Count < 1000);
    }

    [Fact]
    public async Task Two_thousand_in_flight_wait_their_turn_and_all_end()
    {
        await using var host = await EngineHost.StartAsync(
            new CrashingStore(new MemoryStore()), EngineHost.FastRetries with { MaxTurnsPerStream = 4, MaxActivitiesPerStream = 4, WaitForStart = false });
        using var client = host.Connect();
        var ids = Enumerable.Range(0, 2000).Select(i => $"w{i}").ToList();
        await Task.WhenAll(ids.Select(id => client.StartAsync("seq", "x", id)));
        Assert.Equal(2000, host.Engine.GetStatus().WorkflowsInProgress);
        await using var worker = new ScriptedWorker(host) { Workflows = { ["seq"] = Scripts.Sequence(1) } }.Start();
        foreach (var id in ids)
        {
            Assert.Equal("a(x)", (await client.WaitAsync(id))!.Output);
        }

        await UntilAsync(() => host.Engine.GetStatus() is { WorkflowsInProgress: 0, LoadedInstances: 0, ActivityBacklog.Count: 0, TurnsReady: 0 });
    }

    [Fact]
    public async Task Cost_of_an_instance_does_not_grow_with_those_that_have_ended()
    {
        var store = new CountingStore(new MemoryStore());
        await using var host = await EngineHost.StartAsync(store);
        await using var worker = new ScriptedWorker(host) { Workflows = { ["seq"] = Scripts.Sequence(5) } }.Start();
        await host.UntilStreamsAsync(1);
        using var client = host.Connect();
        await RunAsync(20);
        var first = await RunAsync(50);
        await RunAsync(400);
        var last = await RunAsync(50);

        // One write for the start and one for each of six turns, each after a read of the row that it replaces; a look at the end reads four rows.
        Assert.Equal((11, 7, 0), (first.Min(cost => cost.Reads), first.Min(cost => cost.Writes), first.Max(cost => cost.Listings)));
        Assert.Equal((11, 7, 0), (last.Min(cost => cost.Reads), last.Min(cost => cost.Writes), last.Max(cost => cost.Listings)));
        // A result that comes before its turn is over is written for itself; a wait, for the start or the end, that begins too late to be told reads one row.
        Assert.All(first.Concat(last), cost =>
        {
            Assert.InRange(cost.Writes, 7, 7 + 5);
            Assert.InRange(cost.Reads, cost.Writes + 4, cost.Writes + 4 + 2);
        });
        await UntilAsync(() => host.Engine.GetStatus().LoadedInstances == 0);

        async Task<List<(int Reads, int Writes, int Listings)>> RunAsync(int count)
        {
            var costs = new List<(int, int, int)>();
            for (var i = 0; i < count; i++)
            {
                var before = store.Counts;
                await client.WaitAsync(await client.StartAsync("seq", "x"));
                var after = store.Counts;
                costs.Add((after.Reads - before.Reads, after.Writes - before.Writes, after.Listings - before.Listings));
            }

            return costs;
        }
    }

    [Fact]
    public async Task Looking_at_an_ended_instance_reads_as_much_whatever_its_history()
    {
        var store = new CountingStore(new MemoryStore());
        await using var host = await EngineHost.StartAsync(store);
        await using var worker = new ScriptedWorker(host) { Workflows = { ["short"] = Scripts.Sequence(1), ["long"] = Scripts.Parallel(100) } }.Start();
        using var client = host.Connect();
        await client.StartAsync("short", "in", "s");
        await client.StartAsync("long", "in", "l");
        await client.WaitAsync("s");
        await client.WaitAsync("l");
        await UntilAsync(() => host.Engine.GetStatus().LoadedInstances == 0);

        Assert.Equal((4, "a(in)", "in"), await LookAsync("s"));
        Assert.Equal((4, string.Join(',', Enumerable.Repeat("p(x)", 100)), "in"), await LookAsync("l"));

        async Task<(int Reads, string Output, string Input)> LookAsync(string id)
        {
            var before = store.Counts.Reads;
            var state = (await client.GetAsync(id))!;
            return (store.Counts.Reads - before, state.Output, state.Input);
        }
    }

    [Fact]
    [Trait("Category", "Bench")]
    public async Task Ten_thousand_ended_instances_do_not_slow_the_next()
    {
        await using var host = await EngineHost.StartAsync(new CrashingStore(new MemoryStore()));
        await using var worker = new ScriptedWorker(host) { Workflows = { ["seq"] = Scripts.Sequence(5) } }.Start();
        await host.UntilStreamsAsync(1);
        using var client = host.Connect();
        await RunAsync(1000);
        var first = await RunAsync(1000);
        await RunAsync(8000);
        var last = await RunAsync(1000);
        TestContext.Current.TestOutputHelper!.WriteLine($"first thousand {first.TotalSeconds:0.00} s, last {last.TotalSeconds:0.00} s");
        Assert.True(last < first * 1.25, $"the first thousand took {first}, the last {last}");

        async Task<TimeSpan> RunAsync(int count)
        {
            var started = Stopwatch.GetTimestamp();
            await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (_, _) =>
                await client.WaitAsync(await client.StartAsync("seq", "x")));
            return Stopwatch.GetElapsedTime(started);
        }
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(EngineHost.Patience);
        while (!condition())
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Delay(5, patience.Token);
        }
    }

    /// <summary>Counts what the engine asks of a store.</summary>
    private sealed class CountingStore(MemoryStore disk) : IStateStore, IKeyListing
    {
        private int _reads;
        private int _writes;
        private int _listings;

        public (int Reads, int Writes, int Listings) Counts => (Volatile.Read(ref _reads), Volatile.Read(ref _writes), Volatile.Read(ref _listings));

        public StateFeatures Features => disk.Features;

        public Task InitAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public ValueTask<StateItem?> GetAsync(string key, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _reads);
            return disk.GetAsync(key, cancellationToken);
        }

        public ValueTask<IReadOnlyList<StateItem?>> GetManyAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken)
        {
            Interlocked.Add(ref _reads, keys.Count);
            return disk.GetManyAsync(keys, cancellationToken);
        }

        public ValueTask WriteAsync(StateWrite write, CancellationToken cancellationToken) => TransactAsync([write], cancellationToken);

        public async ValueTask TransactAsync(IReadOnlyList<StateWrite> writes, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _writes);
            await Task.Yield();
            await disk.TransactAsync(writes, cancellationToken);
        }

        public IAsyncEnumerable<string> ListKeysAsync(string prefix, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _listings);
            return disk.ListKeysAsync(prefix, cancellationToken);
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
