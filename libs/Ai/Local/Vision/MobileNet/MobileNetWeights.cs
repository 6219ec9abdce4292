using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Ai.Local.Vision.MobileNet;

/// <summary>
/// Weights in the order in which the kernels read them. The file holds the layers from first to last, each as weights and bias in
/// half precision: convolutions as [row, column, input channel, output channel], depthwise as [row, column, channel].
/// </summary>
internal sealed class MobileNetWeights
{
    private const int VectorLength = 8;

    private MobileNetWeights(
        Vector256<float>[] stem, Vector256<float>[] stemBias, BlockWeights[] blocks, float[] logits, float[] logitBias)
    {
        Stem = stem;
        StemBias = stemBias;
        Blocks = blocks;
        Logits = logits;
        LogitBias = logitBias;
    }

    /// <summary>27 vectors of 8 output channels: 3 rows, 3 columns, 3 colours.</summary>
    public Vector256<float>[] Stem { get; }

    public Vector256<float>[] StemBias { get; }

    public BlockWeights[] Blocks { get; }

    /// <summary>[embedding, class].</summary>
    public float[] Logits { get; }

    public float[] LogitBias { get; }

    /// <summary>Reads the content of the weights file.</summary>
    /// <exception cref="InvalidDataException">The length is not that of this net.</exception>
    public static MobileNetWeights Parse(ReadOnlySpan<byte> content)
    {
        var values = MemoryMarshal.Cast<byte, Half>(content);
        if (values.Length != MobileNetArchitecture.ParameterCount)
        {
            throw new InvalidDataException($"Expected {MobileNetArchitecture.ParameterCount} weights, found {values.Length}.");
        }

        int channels = MobileNetArchitecture.StemChannels;
        var stem = Vectors(Take(ref values, MobileNetArchitecture.Taps * 3 * channels));
        var stemBias = Vectors(Take(ref values, channels));
        var blocks = new BlockWeights[MobileNetArchitecture.Blocks.Length];
        for (int i = 0; i < blocks.Length; i++)
        {
            int next = MobileNetArchitecture.Blocks[i].Channels;
            blocks[i] = new BlockWeights(
                Vectors(Take(ref values, MobileNetArchitecture.Taps * channels)),
                Vectors(Take(ref values, channels)),
                PackPointwise(Take(ref values, channels * next), channels, next),
                Vectors(Take(ref values, next)));
            channels = next;
        }

        var logits = Take(ref values, channels * MobileNetArchitecture.LogitCount);
        return new MobileNetWeights(stem, stemBias, blocks, logits, Take(ref values, MobileNetArchitecture.LogitCount));
    }

    private static float[] Take(ref ReadOnlySpan<Half> values, int count)
    {
        var taken = new float[count];
        for (int i = 0; i < count; i++)
        {
            taken[i] = (float)values[i];
        }

        values = values[count..];
        return taken;
    }

    private static Vector256<float>[] Vectors(float[] values) => MemoryMarshal.Cast<float, Vector256<float>>(values).ToArray();

    /// <summary>Groups of 16 output channels; inside a group two vectors per input channel, so that the kernel reads straight on.</summary>
    private static Vector256<float>[] PackPointwise(float[] values, int inputs, int outputs)
    {
        var packed = new Vector256<float>[values.Length / VectorLength];
        int to = 0;
        for (int group = 0; group < outputs; group += 2 * VectorLength)
        {
            for (int input = 0; input < inputs; input++)
            {
                var row = values.AsSpan((input * outputs) + group, 2 * VectorLength);
                packed[to++] = Vector256.Create<float>(row);
                packed[to++] = Vector256.Create<float>(row[VectorLength..]);
            }
        }

        return packed;
    }

    /// <summary>Weights of one pair of convolutions.</summary>
    internal sealed record BlockWeights(
        Vector256<float>[] Depthwise, Vector256<float>[] DepthwiseBias, Vector256<float>[] Pointwise, Vector256<float>[] PointwiseBias);
}
