using System.Runtime.Intrinsics;

namespace Imaging.Jpeg;

/// <summary>Cosine transform and quantization of a block (T.81 A.3.3, A.3.4). Not thread-safe.</summary>
internal sealed class ForwardDct
{
    private const int Size = 8;
    private readonly Vector256<float>[] _rows = new Vector256<float>[Size];
    private readonly Vector256<float>[] _steps = new Vector256<float>[Size];
    private readonly int[] _result = new int[64];

    /// <summary>[sample], frequencies side by side.</summary>
    private readonly Vector256<float>[] _basis = new Vector256<float>[Size];

    /// <param name="quantization">64 steps in natural order.</param>
    public ForwardDct(ReadOnlySpan<byte> quantization)
    {
        Span<float> row = stackalloc float[Size];
        for (int i = 0; i < Size; i++)
        {
            for (int j = 0; j < Size; j++)
            {
                row[j] = 1f / quantization[(i * Size) + j];
            }

            _steps[i] = Vector256.Create<float>(row);
            for (int frequency = 0; frequency < Size; frequency++)
            {
                double scale = frequency == 0 ? Math.Sqrt(0.5) : 1;
                row[frequency] = (float)(0.5 * scale * Math.Cos(((2 * i) + 1) * frequency * Math.PI / (2 * Size)));
            }

            _basis[i] = Vector256.Create<float>(row);
        }
    }

    /// <summary>Quantized coefficients in natural order; valid until the next call.</summary>
    public ReadOnlySpan<int> Transform(ReadOnlySpan<float> samples)
    {
        for (int y = 0; y < Size; y++)
        {
            var row = Vector256<float>.Zero;
            for (int x = 0; x < Size; x++)
            {
                row = Vector256.FusedMultiplyAdd(Vector256.Create(samples[(y * Size) + x]), _basis[x], row);
            }

            _rows[y] = row;
        }

        for (int v = 0; v < Size; v++)
        {
            var coefficients = Vector256<float>.Zero;
            for (int y = 0; y < Size; y++)
            {
                coefficients = Vector256.FusedMultiplyAdd(_rows[y], Vector256.Create(_basis[y][v]), coefficients);
            }

            Vector256.ConvertToInt32(Vector256.Round(coefficients * _steps[v])).CopyTo(_result, v * Size);
        }

        return _result;
    }
}
