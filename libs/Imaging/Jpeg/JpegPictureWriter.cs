using System.Runtime.CompilerServices;

namespace Imaging.Jpeg;

/// <summary>Turns the channels' strips into rows of RGB pixels (JFIF 1.02, "Conversion to and from RGB").</summary>
internal sealed class JpegPictureWriter
{
    private readonly JpegFrame _frame;
    private readonly bool _yCbCr;
    private readonly UprightWriter _writer;
    private readonly byte[][] _repeated;
    private readonly int _width;
    private readonly int _height;
    private readonly int _rowsPerUnit;

    /// <param name="frame">The frame, already scaled.</param>
    /// <param name="scale">Samples per side of a full block: 8, 4, 2 or 1.</param>
    /// <param name="yCbCr">Three channels are luminance and chrominance, not RGB.</param>
    /// <param name="orientation">Orientation to apply.</param>
    public JpegPictureWriter(JpegFrame frame, int scale, bool yCbCr, ImageOrientation orientation)
    {
        _frame = frame;
        _yCbCr = yCbCr;
        _width = ((frame.Width * scale) + 7) / 8;
        _height = ((frame.Height * scale) + 7) / 8;
        _rowsPerUnit = frame.MaxVertical * scale;
        _repeated = Array.ConvertAll(frame.Components, c => c.RepeatX > 1 ? new byte[c.Stride * c.RepeatX] : []);
        _writer = new UprightWriter(_width, _height, _rowsPerUnit, orientation);
    }

    /// <summary>The result; complete after the last row of units.</summary>
    public Bitmap Bitmap => _writer.Bitmap;

    /// <summary>Writes the pixels of one row of interleaved units.</summary>
    public void WriteUnitRow(int unitRow)
    {
        int top = unitRow * _rowsPerUnit;
        int rows = Math.Min(_rowsPerUnit, _height - top);
        for (int row = 0; row < rows; row++)
        {
            var target = _writer.Row(top, top + row);
            if (_frame.Components.Length == 1)
            {
                WriteGrey(Samples(0, row), target);
            }
            else if (_yCbCr)
            {
                WriteYCbCr(Samples(0, row), Samples(1, row), Samples(2, row), target);
            }
            else
            {
                WriteRgb(Samples(0, row), Samples(1, row), Samples(2, row), target);
            }
        }

        _writer.Flush(top, rows);
    }

    /// <summary>One row of a channel at the width of the result; samples of a reduced channel are repeated.</summary>
    private ReadOnlySpan<byte> Samples(int index, int row)
    {
        var component = _frame.Components[index];
        var samples = component.Strip.AsSpan(row / component.RepeatY * component.Stride, component.Stride);
        if (component.RepeatX == 1)
        {
            return samples[.._width];
        }

        var repeated = _repeated[index].AsSpan();
        if (component.RepeatX == 2)
        {
            for (int i = 0, to = 0; i < samples.Length && to + 1 < repeated.Length; i++, to += 2)
            {
                repeated[to] = repeated[to + 1] = samples[i];
            }
        }
        else
        {
            for (int i = 0; i < samples.Length; i++)
            {
                repeated.Slice(i * component.RepeatX, component.RepeatX).Fill(samples[i]);
            }
        }

        return repeated[.._width];
    }

    private static void WriteGrey(ReadOnlySpan<byte> grey, Span<byte> target)
    {
        for (int x = 0, to = 0; x < grey.Length && to + 2 < target.Length; x++, to += 3)
        {
            target[to] = target[to + 1] = target[to + 2] = grey[x];
        }
    }

    private static void WriteRgb(ReadOnlySpan<byte> r, ReadOnlySpan<byte> g, ReadOnlySpan<byte> b, Span<byte> target)
    {
        for (int x = 0, to = 0; x < r.Length && x < g.Length && x < b.Length && to + 2 < target.Length; x++, to += 3)
        {
            target[to] = r[x];
            target[to + 1] = g[x];
            target[to + 2] = b[x];
        }
    }

    private static void WriteYCbCr(ReadOnlySpan<byte> luma, ReadOnlySpan<byte> blue, ReadOnlySpan<byte> red, Span<byte> target)
    {
        const int Bits = 16;
        const int Half = 1 << (Bits - 1);
        const int RedToR = 91881; // 1.402
        const int BlueToG = 22554; // 0.344136
        const int RedToG = 46802; // 0.714136
        const int BlueToB = 116130; // 1.772
        for (int x = 0, to = 0; x < luma.Length && x < blue.Length && x < red.Length && to + 2 < target.Length; x++, to += 3)
        {
            int y = (luma[x] << Bits) + Half;
            int cb = blue[x] - 128;
            int cr = red[x] - 128;
            target[to] = Clamp((y + (RedToR * cr)) >> Bits);
            target[to + 1] = Clamp((y - (BlueToG * cb) - (RedToG * cr)) >> Bits);
            target[to + 2] = Clamp((y + (BlueToB * cb)) >> Bits);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte Clamp(int value) => (uint)value <= 255 ? (byte)value : (byte)(~value >> 31);
}
