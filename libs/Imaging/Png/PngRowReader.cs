using System.Numerics;
using System.Runtime.InteropServices;

namespace Imaging.Png;

/// <summary>Reads rows of one picture or Adam7 pass and takes the filters off (ISO/IEC 15948, 9.2).</summary>
internal sealed class PngRowReader
{
    private readonly Stream _pixels;
    private readonly int _distance;
    private byte[] _row;
    private byte[] _above;

    public PngRowReader(Stream pixels, PngHeader header, int width)
    {
        _pixels = pixels;
        _distance = header.FilterDistance;
        _row = new byte[1 + header.BytesPerRow(width)];
        _above = new byte[_row.Length];
    }

    /// <summary>The next row; valid until the call after the next.</summary>
    public ReadOnlySpan<byte> ReadRow()
    {
        (_row, _above) = (_above, _row);
        _pixels.ReadExactly(_row);
        var row = _row.AsSpan(1);
        ReadOnlySpan<byte> above = _above.AsSpan(1);
        switch (_row[0])
        {
            case 0:
                break;
            case 1:
                RemoveSub(row);
                break;
            case 2:
                RemoveUp(row, above);
                break;
            case 3:
                RemoveAverage(row, above);
                break;
            case 4:
                RemovePaeth(row, above);
                break;
            default:
                throw new ImageFormatException("The PNG file is damaged: unknown filter.");
        }

        return row;
    }

    private void RemoveSub(Span<byte> row)
    {
        for (int i = _distance; i < row.Length; i++)
        {
            row[i] += row[i - _distance];
        }
    }

    private static void RemoveUp(Span<byte> row, ReadOnlySpan<byte> above)
    {
        var rows = MemoryMarshal.Cast<byte, Vector<byte>>(row);
        var aboves = MemoryMarshal.Cast<byte, Vector<byte>>(above);
        for (int i = 0; i < rows.Length; i++)
        {
            rows[i] += aboves[i];
        }

        for (int i = rows.Length * Vector<byte>.Count; i < row.Length; i++)
        {
            row[i] += above[i];
        }
    }

    private void RemoveAverage(Span<byte> row, ReadOnlySpan<byte> above)
    {
        for (int i = 0; i < row.Length; i++)
        {
            int left = i >= _distance ? row[i - _distance] : 0;
            row[i] += (byte)((left + above[i]) / 2);
        }
    }

    private void RemovePaeth(Span<byte> row, ReadOnlySpan<byte> above)
    {
        for (int i = 0; i < row.Length; i++)
        {
            int a = 0, c = 0;
            if (i >= _distance)
            {
                a = row[i - _distance];
                c = above[i - _distance];
            }

            int b = above[i];
            int toA = Math.Abs(b - c);
            int toB = Math.Abs(a - c);
            int toC = Math.Abs(a + b - c - c);
            int nearest = toA <= toB && toA <= toC ? a : toB <= toC ? b : c;
            row[i] += (byte)nearest;
        }
    }
}
