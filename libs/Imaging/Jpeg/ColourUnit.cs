using System.Runtime.CompilerServices;

namespace Imaging.Jpeg;

/// <summary>16 x 16 pixels as four blocks of luminance and one of each chrominance, all centred at zero.</summary>
internal sealed class ColourUnit
{
    private const int Side = 16;
    private readonly float[] _luma = new float[4 * 64];
    private readonly float[] _blue = new float[64];
    private readonly float[] _red = new float[64];

    public ReadOnlySpan<float> Blue => _blue;

    public ReadOnlySpan<float> Red => _red;

    /// <summary>Upper left, upper right, lower left, lower right.</summary>
    public ReadOnlySpan<float> Luma(int block) => _luma.AsSpan(block * 64, 64);

    /// <summary>Takes the pixels at a place; beyond the edge the last ones are repeated. Chroma is the mean of four pixels.</summary>
    public void Load(Bitmap bitmap, int left, int top)
    {
        Span<int> places = stackalloc int[Side];
        for (int x = 0; x < Side; x++)
        {
            places[x] = Math.Min(left + x, bitmap.Width - 1) * Bitmap.Channels;
        }

        for (int y = 0; y < Side; y += 2)
        {
            ReadOnlySpan<byte> upper = bitmap.Row(Math.Min(top + y, bitmap.Height - 1));
            ReadOnlySpan<byte> lower = bitmap.Row(Math.Min(top + y + 1, bitmap.Height - 1));
            for (int x = 0; x < Side; x += 2)
            {
                int to = ((((y >> 3) * 2) + (x >> 3)) * 64) + ((y & 7) * 8) + (x & 7);
                float r = 0, g = 0, b = 0;
                _luma[to] = Add(upper, places[x], ref r, ref g, ref b);
                _luma[to + 1] = Add(upper, places[x + 1], ref r, ref g, ref b);
                _luma[to + 8] = Add(lower, places[x], ref r, ref g, ref b);
                _luma[to + 9] = Add(lower, places[x + 1], ref r, ref g, ref b);
                int half = ((y >> 1) * 8) + (x >> 1);
                _blue[half] = ((-0.168736f * r) - (0.331264f * g) + (0.5f * b)) / 4;
                _red[half] = ((0.5f * r) - (0.418688f * g) - (0.081312f * b)) / 4;
            }
        }
    }

    /// <summary>A pixel's luminance; its colours are added up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Add(ReadOnlySpan<byte> row, int place, ref float r, ref float g, ref float b)
    {
        var pixel = row.Slice(place, Bitmap.Channels);
        float red = pixel[0], green = pixel[1], blue = pixel[2];
        r += red;
        g += green;
        b += blue;
        return (0.299f * red) + (0.587f * green) + (0.114f * blue) - 128;
    }
}
