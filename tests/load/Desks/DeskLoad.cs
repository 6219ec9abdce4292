using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Imaging;

namespace Load.Desks;

/// <summary>
/// What it costs to judge large photos, by the local provider, through desk's HTTP route with the fetch of the photo in it: the time of 12 megapixels with one and eight
/// callers, and the peak of the process's memory for 40. Beside them what libturbojpeg's own program takes for the same file in the same run.
/// </summary>
internal sealed class DeskLoad(bool serverGc, TextWriter output, CancellationToken cancellationToken)
{
    private const int Quality = 85;

    /// <summary>Not counted: for the compiler.</summary>
    private const int WarmUp = 30;

    /// <summary>The side of the network that judges, below which nothing is reduced.</summary>
    private const int NetworkSide = 320;

    public static async Task<int> RunAsync(int pictures, bool serverGc, TextWriter output, CancellationToken cancellationToken)
    {
        var load = new DeskLoad(serverGc, output, cancellationToken);
        await output.WriteLineAsync($"load average at the start {LoadAverage()}");
        await load.MeasureTimeAsync(pictures);
        await load.MeasureMemoryAsync();
        await output.WriteLineAsync($"load average at the end {LoadAverage()}");
        return 0;
    }

    private async Task MeasureTimeAsync(int pictures)
    {
        // As much noise as brings the file to the three to four megabytes of a phone's.
        var baseline = LargePhotos.Baseline(4000, 3000, noise: 9, Quality);
        await using var desk = await DeskUnderLoad.StartAsync(serverGc, cancellationToken);
        await MeasureTimeAsync(desk, "12 megapixels, baseline", baseline, pictures);
        if (await LargePhotos.ProgressiveAsync(4000, 3000, noise: 9, Quality, cancellationToken) is { } progressive)
        {
            await MeasureTimeAsync(desk, "12 megapixels, progressive", progressive, pictures);
        }
        else
        {
            await output.WriteLineAsync("progressive: cjpeg is not installed");
        }
    }

    private async Task MeasureTimeAsync(DeskUnderLoad desk, string name, byte[] picture, int pictures)
    {
        desk.Picture = picture;
        var reduced = ImageDecoder.Decode(picture, new DecodeOptions { TargetMinSide = NetworkSide });
        var (eighth, quarter) = (await ReferenceAsync(picture, "1/8"), await ReferenceAsync(picture, "1/4"));
        await output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"{name}: {picture.Length:N0} bytes, decoded as {reduced.Width} x {reduced.Height}; processor time of the decoder here, best of 10: {Best(NetworkSide):0} ms, whole {Best(null):0} ms; "
            + $"time of djpeg -scale 1/8 {eighth}, 1/4 {quarter}"));
        for (var index = 0; index < WarmUp; index++)
        {
            await desk.ClassifyAsync(cancellationToken);
        }

        foreach (var callers in new[] { 1, 8 })
        {
            var allocated = await desk.AllocatedAsync(cancellationToken);
            var (processor, started) = (desk.ProcessorTime, Stopwatch.GetTimestamp());
            var times = new ConcurrentBag<double>();
            await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(async () =>
            {
                for (var index = 0; index < pictures; index++)
                {
                    var asked = Stopwatch.GetTimestamp();
                    await desk.ClassifyAsync(cancellationToken);
                    times.Add(Stopwatch.GetElapsedTime(asked).TotalMilliseconds);
                }
            })));
            double[] sorted = [.. times.Order()];
            var (rate, used) = (sorted.Length / Stopwatch.GetElapsedTime(started).TotalSeconds, (desk.ProcessorTime - processor).TotalMilliseconds / sorted.Length);
            allocated = (await desk.AllocatedAsync(cancellationToken) - allocated) / sorted.Length;
            await output.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"  {callers} caller{(callers == 1 ? "" : "s")}: p50 {sorted[sorted.Length / 2]:0} ms  p95 {sorted[(int)(sorted.Length * 0.95)]:0} ms  max {sorted[^1]:0} ms  "
                + $"{rate:0.0}/s  desk's processor time {used:0} ms each, allocated {allocated / 1_000_000:0.0} MB each  "
                + $"load average {LoadAverage()}"));
        }

        // Of this process, which does nothing else meanwhile.
        double Best(int? side) => Enumerable.Range(0, 10).Min(_ =>
        {
            using var self = Process.GetCurrentProcess();
            var before = self.TotalProcessorTime;
            ImageDecoder.Decode(picture, new DecodeOptions { TargetMinSide = side, MaxWorkingBytes = long.MaxValue });
            self.Refresh();
            return (self.TotalProcessorTime - before).TotalMilliseconds;
        });
    }

    private async Task<string> ReferenceAsync(byte[] picture, string scale)
    {
        var best = TimeSpan.MaxValue;
        for (var round = 0; round < 5; round++)
        {
            if (await LargePhotos.ReferenceAsync(picture, scale, cancellationToken) is not { } time)
            {
                return "is not installed";
            }

            best = time < best ? time : best;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{best.TotalMilliseconds:0} ms");
    }

    private async Task MeasureMemoryAsync()
    {
        // Less noise: what is fetched has at most 10 MiB.
        var small = LargePhotos.Baseline(640, 480, noise: 9, Quality);
        await MeasureMemoryAsync("40 megapixels, baseline", LargePhotos.Baseline(7296, 5472, noise: 6, Quality), small);
        if (await LargePhotos.ProgressiveAsync(7296, 5472, noise: 6, Quality, cancellationToken) is { } progressive)
        {
            await MeasureMemoryAsync("40 megapixels, progressive", progressive, small);
        }

        await MeasureMemoryAsync("40 megapixels, a strip of 638 by 62,000", LargePhotos.Baseline(638, 62_000, noise: 6, Quality), small);
    }

    /// <summary>A process that has judged one small picture is idle; then come one, one more and two at a time of the large.</summary>
    private async Task MeasureMemoryAsync(string name, byte[] picture, byte[] small)
    {
        await using var desk = await DeskUnderLoad.StartAsync(serverGc, cancellationToken);
        desk.Picture = small;
        await desk.ClassifyAsync(cancellationToken);
        var idle = desk.ResidentBytes;
        desk.ForgetPeak();
        desk.Picture = picture;
        await desk.ClassifyAsync(cancellationToken);
        var one = desk.PeakBytes;
        for (var index = 0; index < 10; index++)
        {
            await desk.ClassifyAsync(cancellationToken);
        }

        var eleven = desk.PeakBytes;
        desk.ForgetPeak();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => desk.ClassifyAsync(cancellationToken)));
        await output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"{name}: {picture.Length:N0} bytes; idle {Megabytes(idle)}, at the peak above it: the first {Megabytes(one - idle)}, eleven one after the other {Megabytes(eleven - idle)}, "
            + $"8 callers at a time {Megabytes(desk.PeakBytes - idle)}"));
    }

    private static string Megabytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1_000_000.0:0} MB");

    private static string LoadAverage() => File.Exists("/proc/loadavg") ? File.ReadAllText("/proc/loadavg").Split(' ')[0] : "unknown";
}
