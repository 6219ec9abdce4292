using System.Numerics;
using System.Runtime.InteropServices;

namespace Ai.Local.Vision.MobileNet;

/// <summary>Mean, maximum and standard deviation of every channel of a map.</summary>
internal static class FeaturePool
{
    /// <summary>Numbers per channel.</summary>
    public const int PerChannel = 3;

    /// <summary>Writes all means, then all maxima, then all deviations.</summary>
    public static void Describe(PaddedMap map, Span<float> features)
    {
        int channels = map.Channels;
        var mean = features[..channels];
        var max = features.Slice(channels, channels);
        var deviation = features.Slice(2 * channels, channels);
        features[..(PerChannel * channels)].Clear();
        for (int y = 0; y < map.Side; y++)
        {
            ReadOnlySpan<float> row = map.Row(y);
            for (; !row.IsEmpty; row = row[channels..])
            {
                Accumulate(row[..channels], mean, max, deviation);
            }
        }

        float count = map.Side * map.Side;
        for (int c = 0; c < channels; c++)
        {
            float average = mean[c] / count;
            mean[c] = average;
            deviation[c] = MathF.Sqrt(Math.Max(0, (deviation[c] / count) - (average * average)));
        }
    }

    /// <summary>Adds one position. Activations are never negative, so a maximum may start at zero.</summary>
    private static void Accumulate(ReadOnlySpan<float> values, Span<float> sum, Span<float> max, Span<float> squares)
    {
        var value = MemoryMarshal.Cast<float, Vector<float>>(values);
        var sums = MemoryMarshal.Cast<float, Vector<float>>(sum);
        var maxima = MemoryMarshal.Cast<float, Vector<float>>(max);
        var squared = MemoryMarshal.Cast<float, Vector<float>>(squares);
        for (int i = 0; i < value.Length; i++)
        {
            sums[i] += value[i];
            maxima[i] = Vector.Max(maxima[i], value[i]);
            squared[i] += value[i] * value[i];
        }
    }
}
