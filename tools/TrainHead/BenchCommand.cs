using System.Diagnostics;
using Imaging;

namespace TrainHead;

/// <summary>Milliseconds per picture on one thread, decoding and describing apart.</summary>
internal static class BenchCommand
{
    private const int WarmUp = 30;
    private const int Pictures = 200;

    public static void Run(string data)
    {
        var all = TrashNet.Load(data);
        var files = Enumerable.Range(0, Pictures).Select(i => File.ReadAllBytes(all[i * all.Count / Pictures].File)).ToArray();
        foreach (var model in TrainCommand.Models())
        {
            var features = new float[model.FeatureCount];
            double[] decode = new double[Pictures], describe = new double[Pictures];
            for (int i = -WarmUp; i < Pictures; i++)
            {
                int at = Math.Abs(i) % Pictures;
                long start = Stopwatch.GetTimestamp();
                var bitmap = ImageDecoder.Decode(files[at], new DecodeOptions { TargetMinSide = model.Side });
                long decoded = Stopwatch.GetTimestamp();
                model.Describe(bitmap, features, maxHints: 3);
                decode[at] = Stopwatch.GetElapsedTime(start, decoded).TotalMilliseconds;
                describe[at] = Stopwatch.GetElapsedTime(decoded).TotalMilliseconds;
            }

            Console.WriteLine($"{model.Name} @{model.Side}: decode {Describe(decode)}, resize + features + hints {Describe(describe)}");
        }
    }

    private static string Describe(double[] times)
    {
        Array.Sort(times);
        return $"median {times[times.Length / 2]:F1} ms (95 %: {times[times.Length * 95 / 100]:F1})";
    }
}
