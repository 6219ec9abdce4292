using System.Text;
using Sidecar.Abstractions;
using Sidecar.Components.Tandem.Store;
using Sidecar.Components.Tandem.Tests.Disk;
using Sidecar.Components.Tandem.Tests.PowerCuts;

namespace Sidecar.Components.Tandem.Tests;

/// <summary>
/// Cuts the power of a simulated disk at random operations: see <see cref="StoreUnderTest"/> for what must hold afterwards. By a
/// seed; only which of several waiting writes share a commit is left to the scheduler.
/// </summary>
public sealed class PowerCutTests
{
    private const int EndsOfARun = 5;

    [Fact]
    public async Task Two_thousand_ends_of_process_or_machine_lose_nothing_acknowledged() => await RunAsync(firstSeed: 0, ends: 2_000);

    [Fact]
    [Trait("Category", "Fault")]
    public async Task Ten_thousand_ends_of_process_or_machine_lose_nothing_acknowledged() => await RunAsync(firstSeed: 1_000_000, ends: 10_000);

    [Theory]
    [InlineData(".log")]
    [InlineData(".snapshot.new")]
    public async Task A_flush_of_a_file_that_does_nothing_is_found(string suffix) => await FindAsync(
        seed => new SimulatedDisk(seed) { FlushLies = path => path.EndsWith(suffix, StringComparison.Ordinal) });

    [Fact]
    public async Task A_flush_of_a_folder_that_does_nothing_is_found() =>
        await FindAsync(seed => new SimulatedDisk(seed) { FlushDirectoryLies = true });

    [Fact]
    public async Task A_compaction_does_not_keep_half_of_a_transaction_that_the_log_loses()
    {
        const int Keys = 10;
        for (var seed = 0; seed < 20; seed++)
        {
            var disk = new SimulatedDisk(seed);
            var store = FileStore.Open("/data/store", new StoreOptions { Files = disk, CompactAfterBytes = 1_000, SnapshotFrameBytes = 1 });
            var pace = disk.Slow("/data/store");
            do
            {
                await WriteAsync(store, "old", Durability.Flushed);
            }
            while (store.Compaction.IsCompleted);

            // Half of the keys are in the snapshot when all of them change.
            pace.Let(3 + (Keys / 2), store.Compaction);
            await WriteAsync(store, "new", Durability.Written);
            pace.Let(Keys * 2, store.Compaction);
            Assert.True(store.Compaction.IsCompleted);
            disk.End();
            await store.DisposeAsync();
            disk.Restart(powerCut: true);

            await using var again = FileStore.Open("/data/store", new StoreOptions { Files = disk });
            Assert.Single(again.Table("state/test").Entries.Select(entry => Encoding.ASCII.GetString(entry.Value)).Distinct());
        }

        static Task WriteAsync(FileStore store, string value, Durability durability) => store.WriteAsync(
            store.Table("state/test"), [.. Enumerable.Range(0, Keys).Select(key => new StateWrite($"key{key}", Encoding.ASCII.GetBytes(value)))], durability, default).AsTask();
    }

    [Fact]
    public async Task What_found_no_room_does_not_come_back_when_the_power_goes()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var disk = new SimulatedDisk(seed);
            var store = FileStore.Open("/data/store", new StoreOptions { Files = disk });
            await WriteAsync("first", Durability.Flushed);

            // The last byte of a new group's frame is a zero, and the one that does not fit.
            var topic = store.Broker("pubsub").Topic("orders");
            var used = disk.Used;
            await store.EnsureGroupAsync(topic, "one", Durability.Flushed, default);
            disk.Capacity = disk.Used + (disk.Used - used) - 1;
            await Assert.ThrowsAsync<IOException>(async () => await store.EnsureGroupAsync(topic, "two", Durability.Flushed, default));
            disk.Capacity = long.MaxValue;
            await WriteAsync(new string('x', 100), Durability.Written);
            await WriteAsync("last", Durability.Written);
            disk.End();
            await store.DisposeAsync();
            disk.Restart(powerCut: true);

            await using var again = FileStore.Open("/data/store", new StoreOptions { Files = disk });
            Assert.False(again.Broker("pubsub").Topic("orders").HasGroup("two"), $"seed {seed}");

            ValueTask WriteAsync(string value, Durability durability) =>
                store.WriteAsync(store.Table("state/test"), [new StateWrite("key", Encoding.ASCII.GetBytes(value))], durability, default);
        }
    }

    private static async Task RunAsync(int firstSeed, int ends)
    {
        var totals = new List<PowerCutTotals>();
        for (var seed = firstSeed; seed < firstSeed + (ends / EndsOfARun); seed++)
        {
            totals.Add(await PowerCutRun.RunAsync(seed, EndsOfARun));
        }

        var acknowledged = totals.Sum(run => run.Acknowledged);
        var compactions = totals.Sum(run => run.Compactions);
        TestContext.Current.TestOutputHelper?.WriteLine($"{ends} ends, {acknowledged} acknowledged operations, {compactions} compactions");
        Assert.True(acknowledged > ends && compactions > ends / 20, "the runs do too little");
    }

    // The tests above are worth something only when they notice a disk, or a store, that does not do its duty.
    private static async Task FindAsync(Func<int, SimulatedDisk> disk)
    {
        for (var seed = 0; seed < 300; seed++)
        {
            try
            {
                await PowerCutRun.RunAsync(seed, EndsOfARun, disk(seed));
            }
            catch (StoreDiffersException)
            {
                return;
            }
        }

        Assert.Fail("nothing was noticed in 300 runs");
    }
}
