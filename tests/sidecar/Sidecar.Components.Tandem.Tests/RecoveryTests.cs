using System.Globalization;
using Sidecar.Abstractions;
using Sidecar.Components.Tandem.Files;
using Sidecar.Components.Tandem.Store;
using TestKit;

namespace Sidecar.Components.Tandem.Tests;

public sealed class RecoveryTests : IAsyncLifetime
{
    private readonly StoreFixture _fixture = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Finds_ten_thousand_keys_again_with_their_etags()
    {
        await Task.WhenAll(Enumerable.Range(0, 10_000).Select(i => _fixture.SetAsync($"key:{i:D5}", $"value {i}")));
        var etag = _fixture.Table.Find("key:01234")!.ETag;
        await _fixture.CloseAsync();

        Assert.Equal(Enumerable.Range(0, 10_000).Select(i => $"key:{i:D5}"), _fixture.Table.LiveKeys("key:", TimeProvider.System));
        Assert.All(Enumerable.Range(0, 10_000), i => Assert.Equal($"value {i}", _fixture.Read($"key:{i:D5}")));
        await _fixture.WriteAsync(new StateWrite("key:01234", new byte[] { 1 }, etag));
    }

    [Fact]
    public async Task Never_gives_an_etag_twice_across_restarts()
    {
        await _fixture.SetAsync("key", "one");
        var first = _fixture.Table.Find("key")!.Version;
        await _fixture.WriteAsync(new StateWrite("key", null));
        await _fixture.CloseAsync();

        await _fixture.SetAsync("key", "two");

        Assert.True(_fixture.Table.Find("key")!.Version > first);
    }

    [Fact]
    public async Task Cuts_a_torn_end_at_every_byte_of_the_last_commit()
    {
        await _fixture.SetAsync("kept", "value");
        await _fixture.PublishAsync("kept");
        await _fixture.CloseAsync();
        var whole = await File.ReadAllBytesAsync(_fixture.LogFile);
        await _fixture.WriteAsync(new StateWrite("a", new byte[] { 1 }), new StateWrite("b", new byte[] { 2 }), new StateWrite("kept", null));
        await _fixture.CloseAsync();
        var longer = await File.ReadAllBytesAsync(_fixture.LogFile);

        for (var length = whole.Length; length < longer.Length; length++)
        {
            await File.WriteAllBytesAsync(_fixture.LogFile, longer[..length]);

            Assert.Equal(("value", null, null), (_fixture.Read("kept"), _fixture.Read("a"), _fixture.Read("b")));
            Assert.Equal(2, _fixture.Topic.Next);
            await _fixture.SetAsync("after", "value");
            await _fixture.CloseAsync();
            Assert.Equal("value", _fixture.Read("after"));
            await _fixture.CloseAsync();
        }
    }

    [Fact]
    public async Task Cuts_a_last_commit_whose_end_was_never_written()
    {
        await _fixture.SetAsync("kept", "value");
        await _fixture.SetAsync("last", "value");
        await _fixture.CloseAsync();
        var bytes = await File.ReadAllBytesAsync(_fixture.LogFile);
        bytes.AsSpan(bytes.Length - 3).Clear();
        await File.WriteAllBytesAsync(_fixture.LogFile, [.. bytes, .. new byte[4096]]);

        Assert.Equal(("value", null), (_fixture.Read("kept"), _fixture.Read("last")));
    }

    [Fact]
    public async Task Names_file_and_offset_of_damage_at_any_byte_before_the_last_commit()
    {
        await _fixture.SetAsync("one", "value");
        await _fixture.CloseAsync();
        var first = (int)new FileInfo(_fixture.LogFile).Length;
        await _fixture.SetAsync("two", "value");
        await _fixture.CloseAsync();
        var sound = await File.ReadAllBytesAsync(_fixture.LogFile);

        for (var at = FrameFormat.FileHeaderSize; at < first; at++)
        {
            var bytes = sound.ToArray();
            bytes[at] ^= 0x40;
            await File.WriteAllBytesAsync(_fixture.LogFile, bytes);

            var refused = Assert.Throws<ComponentException>(() => _fixture.Store);
            Assert.Contains($"'{_fixture.LogFile}' is damaged at offset {FrameFormat.FileHeaderSize}", refused.Message, StringComparison.Ordinal);
            Assert.Contains("./daprw reset", refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Refuses_another_format_and_names_the_command_that_helps()
    {
        await _fixture.SetAsync("key", "value");
        await _fixture.CloseAsync();
        var bytes = await File.ReadAllBytesAsync(_fixture.LogFile);
        bytes[8] = 2;
        await File.WriteAllBytesAsync(_fixture.LogFile, bytes);

        var refused = Assert.Throws<ComponentException>(() => _fixture.Store);

        Assert.Equal(
            $"'{_fixture.LogFile}' has store format 2, this build reads format 1; run './daprw reset' to start with an empty store", refused.Message);
    }

    [Fact]
    public async Task Refuses_a_record_that_it_does_not_know()
    {
        await _fixture.SetAsync("key", "value");
        await _fixture.CloseAsync();
        var bytes = await File.ReadAllBytesAsync(_fixture.LogFile);
        bytes[FrameFormat.FileHeaderSize + FrameFormat.HeaderSize] = 200;
        FrameFormat.Seal(bytes.AsSpan(FrameFormat.FileHeaderSize), 1);
        await File.WriteAllBytesAsync(_fixture.LogFile, bytes);

        Assert.Contains("holds what this build does not know (record kind 200)", Assert.Throws<ComponentException>(() => _fixture.Store).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_start_that_fails_leaves_the_store_unlocked()
    {
        var pid = Path.Combine(_fixture.Directory, "pid");
        File.CreateSymbolicLink(pid, Path.Combine(_fixture.Directory, "nowhere", "pid"));
        Assert.Throws<ComponentException>(() => _fixture.Store);
        File.Delete(pid);

        await _fixture.SetAsync("key", "value");
    }

    [Fact]
    public async Task Refuses_a_file_that_is_none_of_its_own()
    {
        await File.WriteAllTextAsync(Path.Combine(_fixture.Directory, "00000001.log"), "This is some text that is longer than the header.");

        Assert.Contains("is not a store file", Assert.Throws<ComponentException>(() => _fixture.Store).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refuses_to_go_on_without_a_missing_file()
    {
        await _fixture.SetAsync("key", "value");
        await _fixture.CloseAsync();
        File.Move(_fixture.LogFile, Path.Combine(_fixture.Directory, "00000003.log"));

        Assert.Contains("00000001.log' is missing", Assert.Throws<ComponentException>(() => _fixture.Store).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_opener_is_told_who_holds_the_store()
    {
        await _fixture.SetAsync("key", "value");

        var refused = Assert.Throws<ComponentException>(() => FileStore.Open(_fixture.Directory, _fixture.Options));

        Assert.Contains(
            $"in use by process {Environment.ProcessId.ToString(CultureInfo.InvariantCulture)};", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Removes_expired_keys_in_the_background()
    {
        var clock = new ManualTimeProvider();
        _fixture.Options = new StoreOptions { Time = clock };
        await _fixture.SetAsync("short", "value", TimeSpan.FromSeconds(5));
        await _fixture.SetAsync("long", "value", TimeSpan.FromHours(1));

        clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Null(_fixture.Read("short"));
        Assert.NotNull(_fixture.Table.Find("short"));
        clock.Advance(_fixture.Options.SweepInterval);
        await _fixture.SetAsync("next", "value");

        Assert.Null(_fixture.Table.Find("short"));
        await _fixture.CloseAsync();
        Assert.Equal((null, "value"), (_fixture.Read("short"), _fixture.Read("long")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_disk_error_fails_the_write_and_everything_after_it_and_keeps_what_was_acknowledged(bool tear)
    {
        var disk = new FailingFiles { Tear = tear };
        var faults = new List<Exception>();
        _fixture.Options = new StoreOptions { Files = disk, Fault = faults.Add };
        await _fixture.SetAsync("acknowledged", "value");
        disk.Failing = true;

        await Assert.ThrowsAsync<IOException>(() => _fixture.SetAsync("lost", "value"));
        disk.Failing = false;
        await Assert.ThrowsAsync<IOException>(() => _fixture.SetAsync("later", "value"));
        Assert.Null(_fixture.Read("lost"));
        await _fixture.CloseAsync();
        Assert.Contains("input/output error", Assert.Single(faults).Message, StringComparison.Ordinal);

        Assert.Equal(("value", null, null), (_fixture.Read("acknowledged"), _fixture.Read("lost"), _fixture.Read("later")));
    }

    [Fact]
    public async Task Acknowledgements_reach_the_disk_in_time_though_nothing_else_is_written()
    {
        var clock = new ManualTimeProvider();
        var disk = new FailingFiles();
        _fixture.Options = new StoreOptions { Files = disk, Time = clock, LazyFlushDelay = TimeSpan.FromHours(1) };
        var topic = _fixture.Topic;
        var journal = (Broker.IBrokerJournal)_fixture.Store;
        await _fixture.Store.EnsureGroupAsync(topic, "group", Durability.Written, default);
        await _fixture.PublishAsync("first", "second");
        await journal.AcknowledgedAsync(topic, "group", 1);
        await _fixture.SetAsync("key", "after the first");
        var before = disk.Flushes;

        var flushed = disk.Flushed;
        clock.Advance(TimeSpan.FromHours(1));
        await journal.AcknowledgedAsync(topic, "group", 2);

        await flushed.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(before + 1, disk.Flushes);
    }

    [Fact]
    public async Task A_flushed_write_is_on_the_disk_when_it_returns()
    {
        var disk = new FailingFiles();
        _fixture.Options = new StoreOptions { Files = disk };
        await _fixture.SetAsync("key", "value");
        var before = disk.Flushes;

        await _fixture.Store.WriteAsync(_fixture.Table, [new Abstractions.StateWrite("key", "flushed"u8.ToArray())], Durability.Flushed, default);

        Assert.Equal(before + 1, disk.Flushes);
    }

    /// <summary>A disk that writes nothing, or half, and then fails. Counts flushes.</summary>
    private sealed class FailingFiles : IStoreFiles
    {
        private readonly PhysicalStoreFiles _files = PhysicalStoreFiles.Instance;
        private volatile TaskCompletionSource? _flushed;
        private int _flushes;

        public bool Failing { get; set; }

        public bool Tear { get; init; }

        public int Flushes => Volatile.Read(ref _flushes);

        /// <summary>Completes at the first flush after it was asked for.</summary>
        public Task Flushed => (_flushed = new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

        public bool DirectoryExists(string path) => _files.DirectoryExists(path);

        public void CreateDirectory(string path) => _files.CreateDirectory(path);

        public IReadOnlyList<string> List(string directory) => _files.List(directory);

        public IStoreFile Open(string path, bool create) => new FailingFile(this, _files.Open(path, create));

        public void Delete(string path) => _files.Delete(path);

        public void Move(string from, string to) => _files.Move(from, to);

        public void FlushDirectory(string path) => _files.FlushDirectory(path);

        public IDisposable Lock(string directory) => _files.Lock(directory);

        private sealed class FailingFile(FailingFiles owner, IStoreFile file) : IStoreFile
        {
            public long Length => file.Length;

            public int Read(long offset, Span<byte> bytes) => file.Read(offset, bytes);

            public void Write(long offset, ReadOnlySpan<byte> bytes)
            {
                if (!owner.Failing)
                {
                    file.Write(offset, bytes);
                    return;
                }

                if (owner.Tear)
                {
                    file.Write(offset, bytes[..(bytes.Length / 2)]);
                }

                throw new IOException("input/output error");
            }

            public void Flush()
            {
                file.Flush();
                Interlocked.Increment(ref owner._flushes);
                owner._flushed?.TrySetResult();
            }

            public void Truncate(long length) => file.Truncate(length);

            public void Dispose() => file.Dispose();
        }
    }
}
