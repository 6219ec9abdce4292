using System.Diagnostics;

namespace Load;

/// <summary>How long the disk takes to make 4 KiB durable: what durable figures are read beside.</summary>
internal static class FsyncProbe
{
    /// <summary>Times 200 flushes in a folder.</summary>
    public static async Task<string> MeasureAsync(DirectoryInfo folder, CancellationToken cancellationToken)
    {
        folder.Create();
        var path = Path.Combine(folder.FullName, "fsync.probe");
        var block = new byte[4096];
        var times = new double[200];
        await using (var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 0, FileOptions.DeleteOnClose))
        {
            for (var i = 0; i < times.Length; i++)
            {
                var started = Stopwatch.GetTimestamp();
                await file.WriteAsync(block, cancellationToken);
                file.Flush(flushToDisk: true);
                times[i] = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
            }
        }

        Array.Sort(times);
        return $"p50 {times[100]:0.000} ms  p95 {times[190]:0.000} ms";
    }
}
