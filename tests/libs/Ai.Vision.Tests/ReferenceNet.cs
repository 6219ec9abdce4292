using System.Runtime.InteropServices;
using Ai.Local.Vision;
using Ai.Local.Vision.MobileNet;
using Imaging;

namespace Ai.Vision.Tests;

/// <summary>The network written as in a textbook: a loop per index, double precision, borders by a test. Slow and plain.</summary>
internal sealed class ReferenceNet
{
    private static readonly int[] Strides = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1];
    private static readonly int[] Outputs = [16, 32, 32, 64, 64, 128, 128, 128, 128, 128, 128, 256, 256];
    private readonly float[] _weights;
    private int _position;

    public ReferenceNet() =>
        _weights = Array.ConvertAll(
            MemoryMarshal.Cast<byte, Half>(SealedResource.Open(SealedResource.Read(MobileNetModel.WeightsResource))).ToArray(), h => (float)h);

    /// <summary>The 1001 logits and the features of blocks 5, 11 and 13.</summary>
    public (double[] Logits, double[] Features) Run(Bitmap picture)
    {
        _position = 0;
        var map = new Map(picture.Height, picture.Width, 3);
        for (int i = 0; i < map.Values.Length; i++)
        {
            map.Values[i] = (picture.Pixels[i] / 255.0 * 2) - 1;
        }

        var features = new List<double>();
        map = Convolve(map, 3, 2, 8);
        for (int block = 1; block <= Strides.Length; block++)
        {
            map = Convolve(Depthwise(map, Strides[block - 1]), 1, 1, Outputs[block - 1]);
            if (block is 5 or 11 or 13)
            {
                features.AddRange(Pool(map));
            }
        }

        double[] mean = features[^(3 * map.Channels)..^(2 * map.Channels)].ToArray();
        int weights = Take(256 * 1001), bias = Take(1001);
        var logits = new double[1001];
        for (int c = 0; c < logits.Length; c++)
        {
            logits[c] = _weights[bias + c];
            for (int i = 0; i < mean.Length; i++)
            {
                logits[c] += mean[i] * _weights[weights + (i * 1001) + c];
            }
        }

        Assert.Equal(_weights.Length, _position);
        return (logits, [.. features]);
    }

    private int Take(int count)
    {
        int start = _position;
        _position += count;
        return start;
    }

    private Map Convolve(Map input, int window, int stride, int outputs)
    {
        int weights = Take(window * window * input.Channels * outputs), bias = Take(outputs);
        return Slide(input, window, stride, outputs, (y, x, o) =>
        {
            double sum = _weights[bias + o];
            for (int ky = 0; ky < window; ky++)
            {
                for (int kx = 0; kx < window; kx++)
                {
                    for (int c = 0; c < input.Channels; c++)
                    {
                        sum += input.At(y + ky, x + kx, c) * _weights[weights + ((((ky * window) + kx) * input.Channels) + c) * outputs + o];
                    }
                }
            }

            return sum;
        });
    }

    private Map Depthwise(Map input, int stride)
    {
        int weights = Take(9 * input.Channels), bias = Take(input.Channels);
        return Slide(input, 3, stride, input.Channels, (y, x, c) =>
        {
            double sum = _weights[bias + c];
            for (int k = 0; k < 9; k++)
            {
                sum += input.At(y + (k / 3), x + (k % 3), c) * _weights[weights + (k * input.Channels) + c];
            }

            return sum;
        });
    }

    private static Map Slide(Map input, int window, int stride, int outputs, Func<int, int, int, double> value)
    {
        int height = (input.Height + stride - 1) / stride, width = (input.Width + stride - 1) / stride;
        int top = Math.Max(((height - 1) * stride) + window - input.Height, 0) / 2;
        int left = Math.Max(((width - 1) * stride) + window - input.Width, 0) / 2;
        var output = new Map(height, width, outputs);
        for (int i = 0; i < output.Values.Length; i++)
        {
            int channel = i % outputs, x = i / outputs % width, y = i / outputs / width;
            output.Values[i] = Math.Clamp(value((y * stride) - top, (x * stride) - left, channel), 0, 6);
        }

        return output;
    }

    private static IEnumerable<double> Pool(Map map)
    {
        var channels = Enumerable.Range(0, map.Channels)
            .Select(c => Enumerable.Range(0, map.Height * map.Width).Select(i => map.Values[(i * map.Channels) + c]).ToArray()).ToArray();
        return [
            .. channels.Select(c => c.Average()),
            .. channels.Select(c => c.Max()),
            .. channels.Select(c => Math.Sqrt(c.Average(v => (v - c.Average()) * (v - c.Average())))),
        ];
    }

    private sealed record Map(int Height, int Width, int Channels)
    {
        public double[] Values { get; } = new double[Height * Width * Channels];

        public double At(int y, int x, int c) =>
            y < 0 || y >= Height || x < 0 || x >= Width ? 0 : Values[(((y * Width) + x) * Channels) + c];
    }
}
