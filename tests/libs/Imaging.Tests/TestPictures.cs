using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Imaging.Tests;

/// <summary>Pictures for tests: photos of the data set beside the repository and variants made by cjpeg.</summary>
internal static class TestPictures
{
    /// <summary>The folder of photos, or null when the repository stands alone.</summary>
    public static string? Photos { get; } = FindPhotos();

    /// <summary>Embedded files by name: <see cref="Synthetic"/> pictures encoded in many ways.</summary>
    public static IReadOnlyDictionary<string, byte[]> Stored { get; } = ReadStored();

    /// <summary>Some photos, evenly spread.</summary>
    public static IEnumerable<string> SomePhotos(int count)
    {
        var all = Directory.EnumerateFiles(Photos!, "*.jpg", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToArray();
        for (int i = 0; i < count; i++)
        {
            yield return all[(int)((long)i * all.Length / count)];
        }
    }

    /// <summary>A picture with smooth parts, edges and noise; the same for the same seed.</summary>
    public static Bitmap Synthetic(int width, int height, int seed = 1)
    {
        var random = new Random(seed);
        var bitmap = new Bitmap(width, height);
        for (int y = 0; y < height; y++)
        {
            var row = bitmap.Row(y);
            for (int x = 0; x < width; x++)
            {
                bool inside = ((x - (width / 2)) * (x - (width / 2))) + ((y - (height / 2)) * (y - (height / 2))) < width * height / 9;
                row[x * 3] = (byte)(x * 255 / width);
                row[(x * 3) + 1] = (byte)(inside ? 200 : y * 255 / height);
                row[(x * 3) + 2] = (byte)(128 + random.Next(-20, 20));
            }
        }

        return bitmap;
    }

    /// <summary>Encodes with cjpeg; null when it is not installed. Debian: libjpeg-turbo-progs.</summary>
    public static byte[]? Cjpeg(Bitmap bitmap, string arguments) =>
        Run("cjpeg", arguments, [.. Encoding.ASCII.GetBytes($"P6\n{bitmap.Width} {bitmap.Height}\n255\n"), .. bitmap.Pixels]);

    /// <summary>Decodes with djpeg, which must be told to write PPM; null when it is not installed.</summary>
    public static Bitmap? Djpeg(byte[] jpeg, string arguments)
    {
        if (Run("djpeg", arguments, jpeg) is not { } ppm)
        {
            return null;
        }

        string[] header = Encoding.ASCII.GetString(ppm, 0, Math.Min(40, ppm.Length)).Split((char[])[' ', '\n'], 5);
        var bitmap = new Bitmap(int.Parse(header[1], CultureInfo.InvariantCulture), int.Parse(header[2], CultureInfo.InvariantCulture));
        ppm.AsSpan(^bitmap.Pixels.Length..).CopyTo(bitmap.Pixels);
        return bitmap;
    }

    private static byte[]? Run(string program, string arguments, byte[] input)
    {
        Process process;
        try
        {
            process = Process.Start(new ProcessStartInfo(program, arguments)
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
        }
        catch (Win32Exception)
        {
            return null;
        }

        using (process)
        {
            var output = new MemoryStream();
            var reading = process.StandardOutput.BaseStream.CopyToAsync(output);
            var complaints = process.StandardError.ReadToEndAsync();
            using (var stream = process.StandardInput.BaseStream)
            {
                stream.Write(input);
            }

            Assert.True(Task.WaitAll([reading, complaints], TimeSpan.FromSeconds(60)), $"{program} did not end");
            return output.ToArray();
        }
    }

    /// <summary>Largest and mean difference of two pictures of the same size.</summary>
    public static (int Max, double Mean) Difference(Bitmap one, Bitmap other)
    {
        Assert.Equal((one.Width, one.Height), (other.Width, other.Height));
        int max = 0;
        long sum = 0;
        var a = one.Pixels;
        var b = other.Pixels;
        for (int i = 0; i < a.Length; i++)
        {
            int difference = Math.Abs(a[i] - b[i]);
            max = Math.Max(max, difference);
            sum += difference;
        }

        return (max, (double)sum / a.Length);
    }

    private static Dictionary<string, byte[]> ReadStored()
    {
        var assembly = typeof(TestPictures).Assembly;
        var files = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (string name in assembly.GetManifestResourceNames().Where(name => name.EndsWith(".jpg", StringComparison.Ordinal)))
        {
            using var stream = assembly.GetManifestResourceStream(name)!;
            var content = new byte[stream.Length];
            stream.ReadExactly(content);
            files.Add(name, content);
        }

        files.Add("rgb.png", PngEncoder.Encode(Synthetic(67, 49)));
        return files;
    }

    private static string? FindPhotos()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Directory.Packages.props")))
            {
                string photos = Path.Combine(folder.Parent!.FullName, "shared", "data", "trashnet");
                return Directory.Exists(photos) ? photos : null;
            }
        }

        return null;
    }
}
