namespace Imaging;

/// <summary>
/// Takes rows in the order in which they are stored and puts them where the orientation wants them, a strip at a time, so that
/// turning a picture needs no second copy of it.
/// </summary>
internal sealed class UprightWriter
{
    private readonly ImageOrientation _orientation;
    private readonly int _storedWidth;
    private readonly byte[] _strip;

    /// <param name="width">Stored pixels per row.</param>
    /// <param name="height">Stored rows.</param>
    /// <param name="stripRows">Rows per <see cref="Flush"/>, at most.</param>
    /// <param name="orientation">Orientation to apply.</param>
    public UprightWriter(int width, int height, int stripRows, ImageOrientation orientation)
    {
        _orientation = orientation;
        _storedWidth = width;
        Bitmap = orientation.SwapsAxes ? Bitmap.Uninitialized(height, width) : Bitmap.Uninitialized(width, height);
        _strip = orientation == ImageOrientation.Normal ? [] : new byte[width * Bitmap.Channels * stripRows];
    }

    /// <summary>The result; complete after the last strip.</summary>
    public Bitmap Bitmap { get; }

    /// <summary>Where to write stored row <paramref name="y"/> of the strip that begins at <paramref name="stripStart"/>.</summary>
    public Span<byte> Row(int stripStart, int y)
    {
        int stride = _storedWidth * Bitmap.Channels;
        return _orientation == ImageOrientation.Normal ? Bitmap.Row(y) : _strip.AsSpan((y - stripStart) * stride, stride);
    }

    /// <summary>Places the rows of a strip.</summary>
    public void Flush(int stripStart, int rows)
    {
        switch (_orientation)
        {
            case ImageOrientation.Normal:
                break;
            case ImageOrientation.MirrorHorizontal:
            case ImageOrientation.Rotate180:
            case ImageOrientation.MirrorVertical:
                PlaceRows(stripStart, rows);
                break;
            default:
                PlaceColumns(stripStart, rows);
                break;
        }
    }

    private void PlaceRows(int stripStart, int rows)
    {
        int stride = _storedWidth * Bitmap.Channels;
        bool mirror = _orientation != ImageOrientation.MirrorVertical;
        bool flip = _orientation != ImageOrientation.MirrorHorizontal;
        for (int row = 0; row < rows; row++)
        {
            var source = _strip.AsSpan(row * stride, stride);
            int y = stripStart + row;
            var target = Bitmap.Row(flip ? Bitmap.Height - 1 - y : y);
            if (!mirror)
            {
                source.CopyTo(target);
                continue;
            }

            for (int from = 0, to = stride - 3; to >= 0; from += 3, to -= 3)
            {
                target[to] = source[from];
                target[to + 1] = source[from + 1];
                target[to + 2] = source[from + 2];
            }
        }
    }

    /// <summary>Stored rows become columns; neighbours in the strip are written side by side to be kind to the cache.</summary>
    private void PlaceColumns(int stripStart, int rows)
    {
        int stride = _storedWidth * Bitmap.Channels;
        bool mirror = _orientation is ImageOrientation.Rotate90 or ImageOrientation.Transverse;
        bool flip = _orientation is ImageOrientation.Rotate270 or ImageOrientation.Transverse;
        for (int x = 0; x < _storedWidth; x++)
        {
            var target = Bitmap.Row(flip ? Bitmap.Height - 1 - x : x);
            for (int row = 0; row < rows; row++)
            {
                int column = stripStart + row;
                int to = (mirror ? Bitmap.Width - 1 - column : column) * Bitmap.Channels;
                int from = (row * stride) + (x * Bitmap.Channels);
                target[to] = _strip[from];
                target[to + 1] = _strip[from + 1];
                target[to + 2] = _strip[from + 2];
            }
        }
    }
}
