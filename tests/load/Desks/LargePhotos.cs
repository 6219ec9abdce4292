using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using Imaging;

namespace Load.Desks;

/// <summary>Photos as large as those of phones, drawn here: smooth parts, edges and the noise of a sensor, so that a file has as many bytes as one of a camera.</summary>
internal static class LargePhotos
{
    /// <summary>A baseline JPEG (4:2:0) of a drawn scene.</summary>
    public static byte[] Baseline(int width, int height, int noise, int quality) => JpegEncoder.Encode(Draw(width, height, noise), quality);

    /// <summary>The same scene as cjpeg writes it in the ten scans of a progressive file; null without cjpeg (Debian: libjpeg-turbo-progs).</summary>
    public static async Task<byte[]?> ProgressiveAsync(int width, int height, int noise, int quality, CancellationToken cancellationToken)
    {
        var bitmap = Draw(width, height, noise);
        return (await RunAsync(
            "cjpeg", ["-progressive", "-quality", $"{quality}"], [.. Encoding.ASCII.GetBytes($"P6\n{width} {height}\n255\n"), .. bitmap.Pixels], cancellationToken))?.Output;
    }

    /// <summary>How long libturbojpeg's own program takes for a picture at a reduced size, its start and the pipes included; null without djpeg.</summary>
    public static async Task<TimeSpan?> ReferenceAsync(byte[] jpeg, string scale, CancellationToken cancellationToken) =>
        (await RunAsync("djpeg", ["-scale", scale], jpeg, cancellationToken))?.Elapsed;

    private static async Task<(byte[] Output, TimeSpan Elapsed)?> RunAsync(string program, string[] arguments, byte[] input, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        Process process;
        try
        {
            process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        }
        catch (Win32Exception)
        {
            return null;
        }

        using (process)
        {
            using var output = new MemoryStream();
            var reading = process.StandardOutput.BaseStream.CopyToAsync(output, cancellationToken);
            await process.StandardInput.BaseStream.WriteAsync(input, cancellationToken);
            process.StandardInput.Close();
            await reading;
            await process.WaitForExitAsync(cancellationToken);
            return (output.ToArray(), Stopwatch.GetElapsedTime(started));
        }
    }

    private static Bitmap Draw(int width, int height, int noise)
    {
        var random = new Random(1);
        var bitmap = new Bitmap(width, height);
        for (var y = 0; y < height; y++)
        {
            var row = bitmap.Row(y);
            for (var x = 0; x < width; x++)
            {
                var (u, v) = (640 * x / width, 480 * y / height);
                var isScreen = u is > 120 and < 520 && v is > 40 and < 260;
                var isKey = u is > 80 and < 560 && v is > 330 and < 450 && (u - 80) % 32 > 4 && (v - 330) % 24 > 4;
                // The grain of wood and cloth, finer than what stands on it.
                var grain = (int)(12 * Math.Sin((x * 0.11) + (6 * Math.Sin(y * 0.013)))) + random.Next(-noise, noise + 1);
                var (r, g, b) = isScreen ? (60 + (u / 4), 120, 200 - (v / 4)) : isKey ? (225, 225, 220) : v > 300 ? (150, 110, 70) : (190, 185, 175);
                row[x * 3] = (byte)Math.Clamp(r + grain, 0, 255);
                row[(x * 3) + 1] = (byte)Math.Clamp(g + grain, 0, 255);
                row[(x * 3) + 2] = (byte)Math.Clamp(b + grain, 0, 255);
            }
        }

        return bitmap;
    }
}
