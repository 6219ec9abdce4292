namespace Imaging.Png;

/// <summary>
/// Reduces an interlaced picture while its passes arrive: each result pixel is the mean of its square. Two bytes per channel of the
/// result are held, never the picture in its full size; they are enough for squares of up to 16 x 16 pixels.
/// </summary>
internal sealed class Adam7Reducer(int width, int height, int factor)
{
    private readonly ushort[] _sums = new ushort[Reduced(width, factor) * Reduced(height, factor) * Bitmap.Channels];

    /// <summary>Memory for a picture of the given size.</summary>
    public static long BytesFor(int width, int height, int factor) =>
        (long)Reduced(width, factor) * Reduced(height, factor) * Bitmap.Channels * sizeof(ushort);

    /// <summary>Takes the pixels of a row of a pass; <paramref name="y"/> is its row in the picture.</summary>
    public void Add(ReadOnlySpan<byte> row, Adam7Pass pass, int y)
    {
        int stride = Reduced(width, factor) * Bitmap.Channels;
        var sums = _sums.AsSpan(y / factor * stride, stride);
        for (int from = 0, x = pass.StartX; from < row.Length; from += Bitmap.Channels, x += pass.StepX)
        {
            int to = x / factor * Bitmap.Channels;
            sums[to] += row[from];
            sums[to + 1] += row[from + 1];
            sums[to + 2] += row[from + 2];
        }
    }

    /// <summary>The result, after the last pass.</summary>
    public Bitmap ToBitmap()
    {
        var bitmap = Bitmap.Uninitialized(Reduced(width, factor), Reduced(height, factor));
        var sums = _sums.AsSpan();
        for (int y = 0; y < bitmap.Height; y++)
        {
            var row = bitmap.Row(y);
            int rows = Math.Min(factor, height - (y * factor));
            for (int i = 0; i < row.Length; i++)
            {
                int pixels = rows * Math.Min(factor, width - (i / Bitmap.Channels * factor));
                row[i] = (byte)((sums[i] + (pixels / 2)) / pixels);
            }

            sums = sums[row.Length..];
        }

        return bitmap;
    }

    private static int Reduced(int size, int factor) => (size + factor - 1) / factor;
}
