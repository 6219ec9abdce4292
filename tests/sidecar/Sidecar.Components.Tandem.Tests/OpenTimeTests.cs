using System.Diagnostics;
using Sidecar.Abstractions;
using Sidecar.Components.Tandem.Store;

namespace Sidecar.Components.Tandem.Tests;

/// <summary>
/// How long a store takes to open into which 1 GB has been written, of which 100 MB is live. Processor time is what is checked: it
/// is the same on a busy machine, and opening has one thread.
/// </summary>
[Trait("Category", "Bench")]
public sealed class OpenTimeTests : IAsyncLifetime
{
    private const long Written = 1_000_000_000;
    private const long Live = 100_000_000;
    private readonly StoreFixture _fixture = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task A_gigabyte_of_log_that_nobody_has_compacted_opens_within_a_second()
    {
        _fixture.Options = new StoreOptions { CompactAfterBytes = long.MaxValue };
        var keys = await WriteAsync(valueBytes: 36_000);

        await OpenAsync(keys);
        Assert.True(OnDisk > Written);
    }

    [Fact]
    public async Task Compaction_keeps_a_gigabyte_of_small_values_fit_to_open_within_a_second()
    {
        var keys = await WriteAsync(valueBytes: 500);
        await _fixture.Store.Compaction;

        await OpenAsync(keys);
        Assert.True(OnDisk < 4 * Live, $"{OnDisk} bytes are left on the disk");
    }

    private long OnDisk => new DirectoryInfo(_fixture.Directory).EnumerateFiles().Sum(file => file.Length);

    private async Task<int> WriteAsync(int valueBytes)
    {
        var keys = (int)(Live / valueBytes);
        for (var written = 0L; written < Written; written += Live)
        {
            foreach (var part in Enumerable.Range(0, keys).Chunk(1_000))
            {
                await _fixture.WriteAsync([.. part.Select(key => new StateWrite($"key:{key}", new byte[valueBytes]))]);
            }
        }

        return keys;
    }

    private async Task OpenAsync(int keys)
    {
        var best = TimeSpan.MaxValue;
        for (var round = 0; round < 5; round++)
        {
            await _fixture.CloseAsync();
            GC.Collect();
            using var process = Process.GetCurrentProcess();
            var processor = process.TotalProcessorTime;
            var started = Stopwatch.GetTimestamp();
            Assert.NotNull(_fixture.Store.Table("state/test").Find($"key:{keys - 1}"));
            var time = Stopwatch.GetElapsedTime(started);
            process.Refresh();
            var busy = process.TotalProcessorTime - processor;
            best = busy < best ? busy : best;
            TestContext.Current.TestOutputHelper?.WriteLine(
                $"{OnDisk / 1e6:0} MB on disk: open in {time.TotalMilliseconds:0} ms, {busy.TotalMilliseconds:0} ms of processor time, {process.WorkingSet64 / 1e6:0} MB resident");
        }

        Assert.True(best <= TimeSpan.FromSeconds(1), $"opening took {best}");
    }
}
