using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Ai.Local.Vision.MobileNet;

/// <summary>
/// The three convolutions, each for one row of output, with bias and ReLU6. Every kernel first slices what it will touch, which
/// checks the bounds once; inside the loops it then reads by reference.
/// </summary>
internal static class Kernels
{
    private const int VectorLength = 8;
    private const int Window = 3;

    /// <summary>The first convolution: 3 x 3 x 3 to 8 channels.</summary>
    /// <param name="rows">Three padded rows of RGB.</param>
    /// <param name="rowStride">Floats per padded row.</param>
    /// <param name="step">Floats between windows.</param>
    /// <param name="weights">27 vectors.</param>
    /// <param name="bias">One vector.</param>
    /// <param name="output">8 floats per position.</param>
    public static void Stem(
        ReadOnlySpan<float> rows, int rowStride, int step, ReadOnlySpan<Vector256<float>> weights, Vector256<float> bias, Span<float> output)
    {
        const int RowValues = Window * 3;
        for (int x = 0; x * VectorLength < output.Length; x++)
        {
            var sum = bias;
            for (int row = 0; row < Window; row++)
            {
                var values = rows.Slice((row * rowStride) + (x * step), RowValues);
                var taps = weights.Slice(row * RowValues, RowValues);
                for (int i = 0; i < RowValues; i++)
                {
                    sum = Vector256.FusedMultiplyAdd(Vector256.Create(values[i]), taps[i], sum);
                }
            }

            Relu6(sum).CopyTo(output[(x * VectorLength)..]);
        }
    }

    /// <summary>Depthwise 3 x 3: every channel on its own.</summary>
    /// <param name="rows">Three padded rows.</param>
    /// <param name="rowStride">Floats per padded row.</param>
    /// <param name="channels">Channels, a multiple of 8.</param>
    /// <param name="stride">Positions between windows.</param>
    /// <param name="weights">Nine times the channels.</param>
    /// <param name="bias">Once the channels.</param>
    /// <param name="output">The channels of each position.</param>
    public static void Depthwise(
        ReadOnlySpan<float> rows, int rowStride, int channels, int stride, ReadOnlySpan<Vector256<float>> weights,
        ReadOnlySpan<Vector256<float>> bias, Span<float> output)
    {
        int groups = channels / VectorLength;
        int positions = output.Length / channels;
        int needed = (((positions - 1) * stride) + Window) * channels;
        Debug.Assert(channels % VectorLength == 0 && weights.Length == groups * Window * Window && bias.Length == groups, "Shapes differ.");
        ref float top = ref MemoryMarshal.GetReference(rows.Slice(0, needed));
        ref float middle = ref MemoryMarshal.GetReference(rows.Slice(rowStride, needed));
        ref float bottom = ref MemoryMarshal.GetReference(rows.Slice(2 * rowStride, needed));
        ref float target = ref MemoryMarshal.GetReference(output[..(positions * channels)]);
        for (int group = 0; group < groups; group++)
        {
            var (w0, w1, w2) = (weights[group], weights[groups + group], weights[(2 * groups) + group]);
            var (w3, w4, w5) = (weights[(3 * groups) + group], weights[(4 * groups) + group], weights[(5 * groups) + group]);
            var (w6, w7, w8) = (weights[(6 * groups) + group], weights[(7 * groups) + group], weights[(8 * groups) + group]);
            var start = bias[group];
            nuint from = (nuint)(group * VectorLength);
            nuint to = from;
            nuint next = (nuint)channels;
            nuint after = next + next;
            for (int x = 0; x < positions; x++)
            {
                var sum = Vector256.FusedMultiplyAdd(Vector256.LoadUnsafe(ref top, from), w0, start);
                sum = Vector256.FusedMultiplyAdd(Vector256.LoadUnsafe(ref top, from + next), w1, sum);
                sum = Vector256.FusedMultiplyAdd(Vector256.LoadUnsafe(ref top, from + after), w2, sum);
                sum = Vector256.FusedMultiplyAdd(Vector256.LoadUnsafe(ref middle, from), w3, sum);
                sum = Vector256.FusedMultiplyAdd(Vector256.LoadUnsafe(ref middle, from + next), w4, sum);
                sum = Vector256.FusedMultiplyAdd(Vector256.LoadUnsafe(ref middle, from + after), w5, sum);
                sum = Vector256.FusedMultiplyAdd(Vector256.LoadUnsafe(ref bottom, from), w6, sum);
                sum = Vector256.FusedMultiplyAdd(Vector256.LoadUnsafe(ref bottom, from + next), w7, sum);
                sum = Vector256.FusedMultiplyAdd(Vector256.LoadUnsafe(ref bottom, from + after), w8, sum);
                Relu6(sum).StoreUnsafe(ref target, to);
                from += (nuint)(stride * channels);
                to += next;
            }
        }
    }

    /// <summary>Pointwise 1 x 1: a matrix product, four positions by sixteen channels at a time.</summary>
    /// <param name="input">The input channels of each position.</param>
    /// <param name="inputs">Input channels.</param>
    /// <param name="weights">Packed by <see cref="MobileNetWeights"/>.</param>
    /// <param name="bias">One per output channel, a multiple of 16.</param>
    /// <param name="output">The output channels of each position.</param>
    public static void Pointwise(
        ReadOnlySpan<float> input, int inputs, ReadOnlySpan<Vector256<float>> weights, ReadOnlySpan<Vector256<float>> bias,
        Span<float> output)
    {
        int outputs = bias.Length * VectorLength;
        int positions = input.Length / inputs;
        for (int group = 0; group * 2 < bias.Length; group++)
        {
            var taps = weights.Slice(group * inputs * 2, inputs * 2);
            var (bias0, bias1) = (bias[group * 2], bias[(group * 2) + 1]);
            var target = output[(group * 2 * VectorLength)..];
            int position = 0;
            for (; position + 4 <= positions; position += 4)
            {
                var four = input.Slice(position * inputs, 4 * inputs);
                FourPositions(four, inputs, taps, bias0, bias1, target[(position * outputs)..], outputs);
            }

            for (; position < positions; position++)
            {
                OnePosition(input.Slice(position * inputs, inputs), taps, bias0, bias1, target[(position * outputs)..]);
            }
        }
    }

    private static void FourPositions(
        ReadOnlySpan<float> input, int inputs, ReadOnlySpan<Vector256<float>> taps, Vector256<float> bias0, Vector256<float> bias1,
        Span<float> output, int stride)
    {
        ref float row0 = ref MemoryMarshal.GetReference(input[..(4 * inputs)]);
        ref float row1 = ref Unsafe.Add(ref row0, inputs);
        ref float row2 = ref Unsafe.Add(ref row1, inputs);
        ref float row3 = ref Unsafe.Add(ref row2, inputs);
        ref var tap = ref MemoryMarshal.GetReference(taps[..(2 * inputs)]);
        var (a0, a1, b0, b1, c0, c1, d0, d1) = (bias0, bias1, bias0, bias1, bias0, bias1, bias0, bias1);
        for (nint i = 0; i < inputs; i++)
        {
            var w0 = Unsafe.Add(ref tap, 2 * i);
            var w1 = Unsafe.Add(ref tap, (2 * i) + 1);
            var value = Vector256.Create(Unsafe.Add(ref row0, i));
            a0 = Vector256.FusedMultiplyAdd(value, w0, a0);
            a1 = Vector256.FusedMultiplyAdd(value, w1, a1);
            value = Vector256.Create(Unsafe.Add(ref row1, i));
            b0 = Vector256.FusedMultiplyAdd(value, w0, b0);
            b1 = Vector256.FusedMultiplyAdd(value, w1, b1);
            value = Vector256.Create(Unsafe.Add(ref row2, i));
            c0 = Vector256.FusedMultiplyAdd(value, w0, c0);
            c1 = Vector256.FusedMultiplyAdd(value, w1, c1);
            value = Vector256.Create(Unsafe.Add(ref row3, i));
            d0 = Vector256.FusedMultiplyAdd(value, w0, d0);
            d1 = Vector256.FusedMultiplyAdd(value, w1, d1);
        }

        Store(a0, a1, output);
        Store(b0, b1, output[stride..]);
        Store(c0, c1, output[(2 * stride)..]);
        Store(d0, d1, output[(3 * stride)..]);
    }

    private static void OnePosition(
        ReadOnlySpan<float> input, ReadOnlySpan<Vector256<float>> taps, Vector256<float> sum0, Vector256<float> sum1, Span<float> output)
    {
        for (int i = 0; i < input.Length; i++)
        {
            var value = Vector256.Create(input[i]);
            sum0 = Vector256.FusedMultiplyAdd(value, taps[2 * i], sum0);
            sum1 = Vector256.FusedMultiplyAdd(value, taps[(2 * i) + 1], sum1);
        }

        Store(sum0, sum1, output);
    }

    private static void Store(Vector256<float> lower, Vector256<float> upper, Span<float> output)
    {
        Relu6(lower).CopyTo(output);
        Relu6(upper).CopyTo(output[VectorLength..]);
    }

    private static Vector256<float> Relu6(Vector256<float> value) =>
        Vector256.Min(Vector256.Max(value, Vector256<float>.Zero), Vector256.Create(6f));
}
