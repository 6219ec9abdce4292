using Sidecar.Abstractions;
using Sidecar.Components.Tandem.Store;
using Sidecar.Components.Tandem.Tests.Disk;

namespace Sidecar.Components.Tandem.Tests;

/// <summary>Disks that are full, broken or locked: what the store says, and what it still keeps.</summary>
public sealed class DiskFaultTests
{
    private readonly SimulatedDisk _disk = new(seed: 1);
    private readonly List<Exception> _faults = [];

    [Fact]
    public async Task A_full_disk_fails_the_write_and_the_store_goes_on_when_there_is_room()
    {
        await using (var store = Open())
        {
            await WriteAsync(store, "before", 100);
            _disk.Capacity = _disk.Used + 50;

            var refused = await Assert.ThrowsAsync<IOException>(() => WriteAsync(store, "key", 100));
            Assert.Equal("nothing was written, the disk is full: No space left on device", refused.Message);
            await WriteAsync(store, "small", 1);
            Assert.Null(store.Table("state/test").Find("key"));

            _disk.Capacity = long.MaxValue;
            await WriteAsync(store, "after", 100);
            Assert.Empty(_faults);
        }

        _disk.Restart(powerCut: true);
        await using var again = Open();
        Assert.Equal(["after", "before", "small"], again.Table("state/test").LiveKeys("", TimeProvider.System));
    }

    [Fact]
    public async Task A_message_that_found_no_room_leaves_no_gap_in_its_topic()
    {
        await using var store = Open();
        var topic = store.Broker("pubsub").Topic("topic");
        await store.PublishAsync(topic, [StoreFixture.Entry("first")], Durability.Flushed, default);
        _disk.Capacity = _disk.Used;

        await Assert.ThrowsAsync<IOException>(() => store.PublishAsync(topic, [StoreFixture.Entry("lost")], Durability.Flushed, default).AsTask());
        _disk.Capacity = long.MaxValue;
        await store.PublishAsync(topic, [StoreFixture.Entry("second")], Durability.Flushed, default);

        Assert.Equal([1, 2], topic.Capture().Entries.Select(entry => entry.Sequence));
    }

    [Fact]
    public async Task A_compaction_that_finds_no_room_leaves_nothing_behind_and_loses_nothing()
    {
        await using (var store = Open(compactAfterBytes: 2_000))
        {
            await WriteAsync(store, "one", 1_500);
            var pace = _disk.Slow("/data/store");
            await WriteAsync(store, "two", 500);
            do
            {
                await WriteAsync(store, "three", 1);
            }
            while (store.Compaction.IsCompleted);

            _disk.Capacity = _disk.Used;
            pace.LetGo();
            await store.Compaction;
            _disk.Capacity = long.MaxValue;
            await WriteAsync(store, "four", 1);
        }

        Assert.DoesNotContain(_disk.List("/data/store"), name => name.Contains("snapshot", StringComparison.Ordinal));
        _disk.Restart(powerCut: true);
        await using var again = Open();
        Assert.Equal(["four", "one", "three", "two"], again.Table("state/test").LiveKeys("", TimeProvider.System));
        Assert.Empty(_faults);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_flush_that_fails_ends_the_store_and_nothing_unacknowledged_is_found_again(bool powerCut)
    {
        await using (var store = Open())
        {
            await WriteAsync(store, "acknowledged", 100);
            var failed = 0;
            _disk.FlushFails = _ => Interlocked.Exchange(ref failed, 1) == 0;

            var refused = await Assert.ThrowsAsync<IOException>(() => WriteAsync(store, "lost", 100));
            Assert.Equal("the store cannot be written any more and must be reopened: Input/output error", refused.Message);
            await Assert.ThrowsAsync<IOException>(() => WriteAsync(store, "later", 100));
            Assert.Same(refused, Assert.Single(_faults));
        }

        _disk.Restart(powerCut);
        await using var again = Open();
        Assert.Equal(["acknowledged"], again.Table("state/test").LiveKeys("", TimeProvider.System));
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_refused_in_one_sentence()
    {
        _disk.ReadOnly = true;

        var refused = Assert.Throws<ComponentException>(() => Open());

        Assert.Equal(
            "the store '/data/store' cannot be read and written: Access to the path '/data' is denied; make that possible or use another data directory",
            refused.Message);
    }

    private FileStore Open(long compactAfterBytes = long.MaxValue) => FileStore.Open(
        "/data/store", new StoreOptions { Files = _disk, Fault = _faults.Add, CompactAfterBytes = compactAfterBytes });

    private static Task WriteAsync(FileStore store, string key, int size) =>
        store.WriteAsync(store.Table("state/test"), [new StateWrite(key, new byte[size])], Durability.Flushed, default).AsTask();
}
