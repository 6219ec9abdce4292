using System.Diagnostics;
using System.Runtime.InteropServices;
using Ai.Local.Vision;
using Imaging;

namespace Ai.Vision.Tests;

/// <summary>What a picture may cost. Nothing else runs meanwhile: the time of the bench is real.</summary>
[CollectionDefinition(nameof(CostTests), DisableParallelization = true)]
[Collection(nameof(CostTests))]
public sealed class CostTests
{
    private const int WarmUp = 5;
    private const int Runs = 31;
    private const long MaxBytes = 50_000_000;

    /// <summary>CLOCK_THREAD_CPUTIME_ID of Linux.</summary>
    private const int ThreadClock = 3;

    private static readonly Bitmap Photo = Gradient(4000, 3000);

    [Theory]
    [InlineData(PictureFeatures.MobileNet)]
    [InlineData(PictureFeatures.Own)]
    public void A_decoded_picture_takes_60_ms_at_most(PictureFeatures features)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the processor time of a thread is measured on Linux only");
        var classifier = new PictureClassifier(new PictureClassifierOptions { Features = features });
        var picture = ImageDecoder.Decode(JpegEncoder.Encode(Photo), new DecodeOptions { TargetMinSide = 320 });
        Assert.InRange(Milliseconds(Enumerable.Repeat(picture, WarmUp + Runs), classifier, ProcessorTime)[Runs / 2], 0, 60);
    }

    [Theory]
    [Trait("Category", "Bench")]
    [InlineData(PictureFeatures.MobileNet)]
    [InlineData(PictureFeatures.Own)]
    public void Of_all_pictures_95_in_100_take_60_ms_at_most(PictureFeatures features)
    {
        var classifier = new PictureClassifier(new PictureClassifierOptions { Features = features });
        var pictures = TrashNetData.Pictures.Select(picture => ImageDecoder.Decode(File.ReadAllBytes(picture.File)));
        var times = Milliseconds(pictures, classifier, static () => Stopwatch.GetElapsedTime(0));
        Assert.InRange(times[times.Length * 95 / 100], 0, 60);
    }

    /// <summary>All that the first picture allocates, so the weights are counted and nothing is forgiven for being short-lived.</summary>
    [Theory]
    [InlineData(PictureFeatures.MobileNet, "jpeg")]
    [InlineData(PictureFeatures.MobileNet, "png")]
    [InlineData(PictureFeatures.Own, "jpeg")]
    public void A_photo_of_12_megapixels_takes_50_MB_at_most_beside_its_pixels(PictureFeatures features, string format)
    {
        var file = format == "png" ? PngEncoder.Encode(Photo) : JpegEncoder.Encode(Photo);
        var classifier = new PictureClassifier(new PictureClassifierOptions { Features = features });

        Assert.InRange(Allocated(() => classifier.Classify(file)), 0, MaxBytes);
        Assert.InRange(Allocated(() => classifier.Classify(Photo)), 0, MaxBytes);
    }

    /// <summary>The longest sides that are accepted, next to very short ones: they are reduced while they are decoded, so their pixels are counted as well.</summary>
    [Theory]
    [InlineData(1, 65_535)]
    [InlineData(65_535, 1)]
    [InlineData(65_535, 300)]
    public void A_stretched_picture_takes_no_more(int width, int height)
    {
        var file = PngEncoder.Encode(new Bitmap(width, height));
        Assert.InRange(Allocated(() => new PictureClassifier().Classify(file)), 0, MaxBytes);
    }

    [Fact]
    public void A_picture_more_stretched_than_that_is_refused() =>
        Assert.Throws<ImageTooLargeException>(() => new PictureClassifier().Classify(PngEncoder.Encode(new Bitmap(1, 65_536))));

    /// <summary>Times after the warm-up, ascending.</summary>
    private static double[] Milliseconds(IEnumerable<Bitmap> pictures, PictureClassifier classifier, Func<TimeSpan> clock)
    {
        var times = new List<double>();
        foreach (var picture in pictures)
        {
            var start = clock();
            classifier.Classify(picture);
            times.Add((clock() - start).TotalMilliseconds);
        }

        double[] sorted = [.. times.Skip(WarmUp).Order()];
        TestContext.Current.TestOutputHelper?.WriteLine($"median {sorted[sorted.Length / 2]:F1} ms, 95 %: {sorted[sorted.Length * 95 / 100]:F1}");
        return sorted;
    }

    /// <summary>What this thread, which does all the work, had of the processors.</summary>
    private static TimeSpan ProcessorTime()
    {
        // A timespec: seconds and nanoseconds.
        var time = new nint[2];
        return clock_gettime(ThreadClock, time) == 0
            ? new TimeSpan(time[0] * TimeSpan.TicksPerSecond + time[1] / TimeSpan.NanosecondsPerTick)
            : throw new InvalidOperationException("the processor time of the thread cannot be read");
    }

    private static long Allocated(Action action)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        action();
        long bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        TestContext.Current.TestOutputHelper?.WriteLine($"{bytes:N0} bytes");
        return bytes;
    }

    private static Bitmap Gradient(int width, int height)
    {
        var bitmap = new Bitmap(width, height);
        for (int y = 0; y < height; y++)
        {
            var row = bitmap.Row(y);
            for (int x = 0; x < row.Length; x++)
            {
                row[x] = (byte)((x * 255 / row.Length) + (y / 40));
            }
        }

        return bitmap;
    }

    [DllImport("libc")]
    private static extern int clock_gettime(int clock, [Out] nint[] time);
}
