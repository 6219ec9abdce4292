using System.Buffers.Binary;
using System.Runtime.Intrinsics;

namespace Imaging.Jpeg;

/// <summary>
/// Dequantization and inverse cosine transform of a block to 1, 2, 4 or 8 samples per side. A smaller side uses only as many low
/// frequencies: the picture is reduced while it is decoded. Two products with a cosine matrix, eight columns at a time; rows of
/// zeros, which most blocks are full of, cost nothing. One instance per component; not thread-safe.
/// </summary>
internal sealed class InverseDct
{
    private const int Size = 8;
    private readonly int _width;
    private readonly int _height;
    private readonly Vector256<float>[] _quantization = new Vector256<float>[Size];
    private readonly Vector256<float>[] _rows = new Vector256<float>[Size];

    /// <summary>[frequency][sample], for the vertical pass.</summary>
    private readonly float[] _vertical;

    /// <summary>[frequency], samples side by side, for the horizontal pass.</summary>
    private readonly Vector256<float>[] _horizontal = new Vector256<float>[Size];

    /// <param name="quantization">64 steps in natural order (row by row).</param>
    /// <param name="width">Samples per row of the result.</param>
    /// <param name="height">Rows of the result.</param>
    public InverseDct(ReadOnlySpan<ushort> quantization, int width, int height)
    {
        _width = width;
        _height = height;
        _vertical = new float[Size * height];
        Span<float> row = stackalloc float[Size];
        for (int frequency = 0; frequency < Size; frequency++)
        {
            for (int i = 0; i < Size; i++)
            {
                row[i] = quantization[(frequency * Size) + i];
            }

            _quantization[frequency] = Vector256.Create<float>(row);

            row.Clear();
            for (int x = 0; x < width && frequency < width; x++)
            {
                row[x] = Cosine(frequency, x, width);
            }

            _horizontal[frequency] = Vector256.Create<float>(row);
            for (int y = 0; y < height && frequency < height; y++)
            {
                _vertical[(frequency * height) + y] = Cosine(frequency, y, height);
            }
        }
    }

    /// <summary>Transforms 64 coefficients in natural order to samples at <paramref name="target"/>.</summary>
    /// <param name="coefficients">Not dequantized.</param>
    /// <param name="onlyDc">All but the first are known to be zero.</param>
    /// <param name="target">The first sample.</param>
    /// <param name="stride">Samples per row of <paramref name="target"/>.</param>
    public void Transform(ReadOnlySpan<short> coefficients, bool onlyDc, Span<byte> target, int stride)
    {
        if (onlyDc || (_width == 1 && _height == 1))
        {
            Fill(coefficients[0], target, stride);
            return;
        }

        int used = 0;
        for (int v = 0; v < _height; v++)
        {
            var row = Vector128.Create(coefficients.Slice(v * Size, Size));
            if (row == Vector128<short>.Zero)
            {
                _rows[v] = Vector256<float>.Zero;
                continue;
            }

            var (lower, upper) = Vector128.Widen(row);
            _rows[v] = Vector256.ConvertToSingle(Vector256.Create(lower, upper)) * _quantization[v];
            used = v + 1;
        }

        for (int y = 0; y < _height; y++)
        {
            var column = Vector256<float>.Zero;
            for (int v = 0; v < used; v++)
            {
                column = Vector256.FusedMultiplyAdd(_rows[v], Vector256.Create(_vertical[(v * _height) + y]), column);
            }

            // 128 is the level shift of T.81 A.3.1, the half rounds.
            var samples = Vector256.Create(128.5f);
            for (int u = 0; u < _width; u++)
            {
                samples = Vector256.FusedMultiplyAdd(Vector256.Create(column[u]), _horizontal[u], samples);
            }

            Store(samples, target[(y * stride)..]);
        }
    }

    private void Fill(short dc, Span<byte> target, int stride)
    {
        byte value = (byte)Math.Clamp((dc * _quantization[0][0] * 0.125f) + 128.5f, 0f, 255f);
        for (int y = 0; y < _height; y++)
        {
            target.Slice(y * stride, _width).Fill(value);
        }
    }

    private void Store(Vector256<float> samples, Span<byte> target)
    {
        var clamped = Vector256.Min(Vector256.Max(samples, Vector256<float>.Zero), Vector256.Create(255f));
        var integers = Vector256.ConvertToInt32(clamped);
        var shorts = Vector128.Narrow(integers.GetLower(), integers.GetUpper());
        ulong bytes = Vector128.Narrow(shorts.AsUInt16(), shorts.AsUInt16()).AsUInt64().ToScalar();
        switch (_width)
        {
            case 8:
                BinaryPrimitives.WriteUInt64LittleEndian(target, bytes);
                break;
            case 4:
                BinaryPrimitives.WriteUInt32LittleEndian(target, (uint)bytes);
                break;
            case 2:
                BinaryPrimitives.WriteUInt16LittleEndian(target, (ushort)bytes);
                break;
            default:
                target[0] = (byte)bytes;
                break;
        }
    }

    /// <summary>One factor of T.81 A.3.3; a reduced transform keeps the factor 1/2, so that grey stays the same grey.</summary>
    private static float Cosine(int frequency, int sample, int size)
    {
        double scale = frequency == 0 ? Math.Sqrt(0.5) : 1;
        return (float)(0.5 * scale * Math.Cos(((2 * sample) + 1) * frequency * Math.PI / (2 * size)));
    }
}
