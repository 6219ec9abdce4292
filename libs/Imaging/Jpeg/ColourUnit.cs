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
        Array.Clear(_blue);
        Array.Clear(_red);
        for (int y = 0; y < Side; y++)
        {
            ReadOnlySpan<byte> row = bitmap.Row(Math.Min(top + y, bitmap.Height - 1));
            for (int x = 0; x < Side; x++)
            {
                var pixel = row.Slice(Math.Min(left + x, bitmap.Width - 1) * Bitmap.Channels, Bitmap.Channels);
                float r = pixel[0], g = pixel[1], b = pixel[2];
                int block = ((y >> 3) * 2) + (x >> 3);
                _luma[(block * 64) + ((y & 7) * 8) + (x & 7)] = (0.299f * r) + (0.587f * g) + (0.114f * b) - 128;
                int half = ((y >> 1) * 8) + (x >> 1);
                _blue[half] += ((-0.168736f * r) - (0.331264f * g) + (0.5f * b)) / 4;
                _red[half] += ((0.5f * r) - (0.418688f * g) - (0.081312f * b)) / 4;
            }
        }
    }
}
