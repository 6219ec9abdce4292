using System.Numerics;
using System.Runtime.InteropServices;
using Imaging;

namespace Ai.Local.Vision.MobileNet;

/// <summary>Runs the net on one picture with one thread. Immutable; every concurrent run needs its own <see cref="Workspace"/>.</summary>
internal sealed class MobileNetEngine(MobileNetWeights weights)
{
    /// <summary>Mean, maximum and deviation of 64 + 128 + 256 channels.</summary>
    public const int FeatureCount = FeaturePool.PerChannel * (64 + 128 + MobileNetArchitecture.EmbeddingLength);

    /// <summary>Blocks, counted from 1, whose maps are described: edges and textures, parts, whole things.</summary>
    private static readonly int[] DescribedBlocks = [5, 11, 13];

    /// <summary>Runs the net on a square picture.</summary>
    /// <param name="picture">RGB, as large as the workspace was made for.</param>
    /// <param name="workspace">Buffers, used by nobody else meanwhile.</param>
    /// <param name="features">Receives <see cref="FeatureCount"/> numbers.</param>
    /// <param name="logits">Receives <see cref="MobileNetArchitecture.LogitCount"/> numbers.</param>
    public void Run(Bitmap picture, Workspace workspace, Span<float> features, Span<float> logits)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(picture.Width, workspace.Side);
        ArgumentOutOfRangeException.ThrowIfNotEqual(picture.Height, workspace.Side);
        var map = RunStem(LoadPicture(picture, workspace), workspace);
        var embedding = ReadOnlySpan<float>.Empty;
        for (int i = 0; i < weights.Blocks.Length; i++)
        {
            map = RunBlock(i, map, workspace);
            if (Array.IndexOf(DescribedBlocks, i + 1) >= 0)
            {
                FeaturePool.Describe(map, features);
                embedding = features[..map.Channels];
                features = features[(FeaturePool.PerChannel * map.Channels)..];
            }
        }

        Classify(embedding, logits[..MobileNetArchitecture.LogitCount]);
    }

    private static PaddedMap LoadPicture(Bitmap picture, Workspace workspace)
    {
        var input = PaddedMap.Create(workspace.Input, workspace.Side, Bitmap.Channels, MobileNetArchitecture.StemStride);
        for (int y = 0; y < input.Side; y++)
        {
            var row = input.Row(y);
            ReadOnlySpan<byte> pixels = picture.Row(y);
            for (int i = 0; i < row.Length && i < pixels.Length; i++)
            {
                row[i] = (pixels[i] * (2f / 255f)) - 1f;
            }
        }

        return input;
    }

    private PaddedMap RunStem(PaddedMap input, Workspace workspace)
    {
        const int Stride = MobileNetArchitecture.StemStride;
        var output = PaddedMap.Create(
            workspace.Map(0),
            MobileNetArchitecture.SideAfter(input.Side, Stride),
            MobileNetArchitecture.StemChannels,
            MobileNetArchitecture.Blocks[0].Stride);
        for (int y = 0; y < output.Side; y++)
        {
            var rows = input.PaddedRows(y * Stride, 3);
            Kernels.Stem(rows, input.Stride, Stride * Bitmap.Channels, weights.Stem, weights.StemBias[0], output.Row(y));
        }

        return output;
    }

    /// <summary>Both convolutions row by row, so that the map between them never leaves the cache.</summary>
    private PaddedMap RunBlock(int index, PaddedMap input, Workspace workspace)
    {
        var block = MobileNetArchitecture.Blocks[index];
        var blockWeights = weights.Blocks[index];
        int nextStride = index + 1 < MobileNetArchitecture.Blocks.Length ? MobileNetArchitecture.Blocks[index + 1].Stride : 1;
        int side = MobileNetArchitecture.SideAfter(input.Side, block.Stride);
        var output = PaddedMap.Create(workspace.Map(index + 1), side, block.Channels, nextStride);
        var between = workspace.Row.AsSpan(0, side * input.Channels);
        for (int y = 0; y < side; y++)
        {
            Kernels.Depthwise(
                input.PaddedRows(y * block.Stride, 3), input.Stride, input.Channels, block.Stride,
                blockWeights.Depthwise, blockWeights.DepthwiseBias, between);
            Kernels.Pointwise(between, input.Channels, blockWeights.Pointwise, blockWeights.PointwiseBias, output.Row(y));
        }

        return output;
    }

    private void Classify(ReadOnlySpan<float> embedding, Span<float> logits)
    {
        weights.LogitBias.CopyTo(logits);
        for (int i = 0; i < embedding.Length; i++)
        {
            AddScaled(logits, weights.Logits.AsSpan(i * logits.Length, logits.Length), embedding[i]);
        }
    }

    private static void AddScaled(Span<float> sum, ReadOnlySpan<float> row, float factor)
    {
        var sums = MemoryMarshal.Cast<float, Vector<float>>(sum);
        var values = MemoryMarshal.Cast<float, Vector<float>>(row);
        for (int i = 0; i < sums.Length; i++)
        {
            sums[i] += values[i] * factor;
        }

        for (int i = sums.Length * Vector<float>.Count; i < sum.Length; i++)
        {
            sum[i] += row[i] * factor;
        }
    }

    /// <summary>Buffers of one run, about 5 MB at 320 pixels.</summary>
    internal sealed class Workspace
    {
        private readonly float[][] _maps;

        public Workspace(int side)
        {
            Side = side;
            Input = new float[PaddedMap.Length(side, Bitmap.Channels)];
            int mapSide = MobileNetArchitecture.SideAfter(side, MobileNetArchitecture.StemStride);
            int channels = MobileNetArchitecture.StemChannels;
            int largestMap = PaddedMap.Length(mapSide, channels);
            int largestRow = 0;
            foreach (var block in MobileNetArchitecture.Blocks)
            {
                mapSide = MobileNetArchitecture.SideAfter(mapSide, block.Stride);
                largestRow = Math.Max(largestRow, mapSide * channels);
                channels = block.Channels;
                largestMap = Math.Max(largestMap, PaddedMap.Length(mapSide, channels));
            }

            _maps = [new float[largestMap], new float[largestMap]];
            Row = new float[largestRow];
        }

        /// <summary>Pixels per side of the pictures.</summary>
        public int Side { get; }

        public float[] Input { get; }

        public float[] Row { get; }

        /// <summary>Two buffers take turns: a layer reads the one and writes the other.</summary>
        public float[] Map(int layer) => _maps[layer & 1];
    }
}
