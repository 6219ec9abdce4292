namespace Imaging;

/// <summary>Reduces a picture by a whole factor while its rows arrive: each result pixel is the mean of its square.</summary>
internal sealed class RowReducer(int width, int height, int factor)
{
    private readonly int[] _sums = new int[(width + factor - 1) / factor * Bitmap.Channels];
    private int _rows;
    private int _received;
    private int _written;

    /// <summary>The result; complete after the last row.</summary>
    public Bitmap Bitmap { get; } = Bitmap.Uninitialized((width + factor - 1) / factor, (height + factor - 1) / factor);

    /// <summary>Takes the next row.</summary>
    public void Add(ReadOnlySpan<byte> row)
    {
        for (int x = 0, to = 0; x < width; to += Bitmap.Channels)
        {
            int r = 0, g = 0, b = 0;
            for (int end = Math.Min(x + factor, width); x < end; x++)
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
        if (++_received % factor == 0 || _received == height)
        {
            WriteRow(Bitmap.Row(_written++));
        }
    }

    private void WriteRow(Span<byte> target)
    {
        int tail = width % factor;
        for (int i = 0; i < target.Length; i++)
        {
            bool narrow = tail != 0 && i >= target.Length - Bitmap.Channels;
            int pixels = (narrow ? tail : factor) * _rows;
            target[i] = (byte)((_sums[i] + (pixels / 2)) / pixels);
        }

        _sums.AsSpan().Clear();
        _rows = 0;
    }
}
