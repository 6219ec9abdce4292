namespace Imaging;

/// <summary>Reduces a picture by whole factors while its rows arrive: each result pixel is the mean of its rectangle.</summary>
internal sealed class RowReducer(int width, int height, int factorX, int factorY)
{
    private readonly long[] _sums = new long[(width + factorX - 1) / factorX * Bitmap.Channels];
    private int _rows;
    private int _received;
    private int _written;

    /// <summary>The result; complete after the last row.</summary>
    public Bitmap Bitmap { get; } =
        Bitmap.Uninitialized((width + factorX - 1) / factorX, (height + factorY - 1) / factorY);

    /// <summary>Takes the next row.</summary>
    public void Add(ReadOnlySpan<byte> row)
    {
        for (int x = 0, to = 0; x < width; to += Bitmap.Channels)
        {
            long r = 0, g = 0, b = 0;
            for (int end = Math.Min(x + factorX, width); x < end; x++)
            {
                r += row[x * 3];
                g += row[(x * 3) + 1];
                b += row[(x * 3) + 2];
            }

            _sums[to] += r;
            _sums[to + 1] += g;
            _sums[to + 2] += b;
        }

        _rows++;
        if (++_received % factorY == 0 || _received == height)
        {
            WriteRow(Bitmap.Row(_written++));
        }
    }

    private void WriteRow(Span<byte> target)
    {
        int tail = width % factorX;
        for (int i = 0; i < target.Length; i++)
        {
            bool narrow = tail != 0 && i >= target.Length - Bitmap.Channels;
            long pixels = (long)(narrow ? tail : factorX) * _rows;
            target[i] = (byte)((_sums[i] + (pixels / 2)) / pixels);
        }

        _sums.AsSpan().Clear();
        _rows = 0;
    }
}
