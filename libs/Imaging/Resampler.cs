using System.Numerics;
using System.Runtime.InteropServices;

namespace Imaging;

/// <summary>
/// Separable resize with a triangle filter. Source rows are filtered horizontally once, kept as floats in a ring that is as tall
/// as the vertical filter, and summed. A side that shrinks extremely is averaged first, which keeps the filter short: so the memory
/// is some rows of the result and at most a quarter of the source, whatever the size and the shape of the picture.
/// </summary>
internal static class Resampler
{
    private const int MaxStep = 64;
    private const int StepAfterAveraging = 16;

    public static Bitmap Resize(Bitmap source, int width, int height)
    {
        source = Average(source, Factor(source.Width, width), Factor(source.Height, height));
        var result = Bitmap.Uninitialized(width, height);
        var columns = Taps.Create(source.Width, width);
        var rows = Taps.Create(source.Height, height);
        int stride = width * Bitmap.Channels;
        int ringRows = rows.MaxCount;
        var ring = new float[ringRows * stride];
        var sum = new float[stride];

        int filtered = 0;
        for (int y = 0; y < height; y++)
        {
            int first = rows.Start[y];
            var weights = rows.WeightsOf(y);
            for (filtered = Math.Max(filtered, first); filtered < first + weights.Length; filtered++)
            {
                FilterRow(source.Row(filtered), columns, ring.AsSpan(filtered % ringRows * stride, stride));
            }

            sum.AsSpan().Clear();
            for (int i = 0; i < weights.Length; i++)
            {
                AddScaled(sum, ring.AsSpan((first + i) % ringRows * stride, stride), weights[i]);
            }

            Store(sum, result.Row(y));
        }

        return result;
    }

    private static int Factor(int from, int to) => from / to > MaxStep ? from / to / StepAfterAveraging : 1;

    private static Bitmap Average(Bitmap source, int factorX, int factorY)
    {
        if (factorX == 1 && factorY == 1)
        {
            return source;
        }

        var reducer = new RowReducer(source.Width, source.Height, factorX, factorY);
        for (int y = 0; y < source.Height; y++)
        {
            reducer.Add(source.Row(y));
        }

        return reducer.Bitmap;
    }

    private static void FilterRow(ReadOnlySpan<byte> source, Taps taps, Span<float> target)
    {
        for (int x = 0; x < taps.Start.Length; x++)
        {
            var weights = taps.WeightsOf(x);
            var pixels = source.Slice(taps.Start[x] * Bitmap.Channels, weights.Length * Bitmap.Channels);
            float r = 0, g = 0, b = 0;
            for (int i = 0, p = 0; i < weights.Length && p + 2 < pixels.Length; i++, p += Bitmap.Channels)
            {
                float weight = weights[i];
                r += weight * pixels[p];
                g += weight * pixels[p + 1];
                b += weight * pixels[p + 2];
            }

            int at = x * Bitmap.Channels;
            target[at] = r;
            target[at + 1] = g;
            target[at + 2] = b;
        }
    }

    private static void AddScaled(Span<float> sum, ReadOnlySpan<float> row, float weight)
    {
        var sums = MemoryMarshal.Cast<float, Vector<float>>(sum);
        var values = MemoryMarshal.Cast<float, Vector<float>>(row);
        var factor = new Vector<float>(weight);
        for (int i = 0; i < sums.Length; i++)
        {
            sums[i] += values[i] * factor;
        }

        for (int i = sums.Length * Vector<float>.Count; i < sum.Length; i++)
        {
            sum[i] += row[i] * weight;
        }
    }

    private static void Store(ReadOnlySpan<float> sum, Span<byte> row)
    {
        for (int i = 0; i < row.Length; i++)
        {
            row[i] = (byte)Math.Clamp(sum[i] + 0.5f, 0f, 255f);
        }
    }

    /// <summary>For every target position the first source position and the weights of the ones that follow.</summary>
    private sealed class Taps
    {
        private readonly int[] _offsets;
        private readonly float[] _weights;

        private Taps(int[] start, int[] offsets, float[] weights, int maxCount)
        {
            Start = start;
            _offsets = offsets;
            _weights = weights;
            MaxCount = maxCount;
        }

        public int[] Start { get; }

        public int MaxCount { get; }

        public ReadOnlySpan<float> WeightsOf(int position) =>
            _weights.AsSpan(_offsets[position], _offsets[position + 1] - _offsets[position]);

        public static Taps Create(int from, int to)
        {
            double step = (double)from / to;
            double reach = Math.Max(step, 1);
            var start = new int[to];
            var offsets = new int[to + 1];
            var weights = new List<float>(to * 2);
            int maxCount = 0;
            for (int i = 0; i < to; i++)
            {
                double centre = (i + 0.5) * step;
                int first = Math.Clamp((int)Math.Floor(centre - reach + 0.5), 0, from - 1);
                int end = Math.Clamp((int)Math.Floor(centre + reach + 0.5), first + 1, from);
                double total = 0;
                for (int s = first; s < end; s++)
                {
                    total += Weight(s);
                }

                start[i] = first;
                for (int s = first; s < end; s++)
                {
                    weights.Add((float)(total > 0 ? Weight(s) / total : 1.0 / (end - first)));
                }

                offsets[i + 1] = weights.Count;
                maxCount = Math.Max(maxCount, end - first);

                double Weight(int s) => Math.Max(0, 1 - (Math.Abs(s + 0.5 - centre) / reach));
            }

            return new Taps(start, offsets, [.. weights], maxCount);
        }
    }
}
