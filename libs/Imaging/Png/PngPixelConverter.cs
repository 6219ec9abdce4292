using System.Buffers.Binary;

namespace Imaging.Png;

/// <summary>Turns rows of samples into RGB on white. 16-bit samples are cut to their upper byte.</summary>
internal sealed class PngPixelConverter(PngHeader header, PngPalette palette)
{
    private const byte White = 255;

    /// <summary>A colour value with the given opacity in front of white.</summary>
    public static byte OnWhite(int value, int alpha) => (byte)(White - (((White - value) * alpha) + 127) / 255);

    /// <summary>Converts as many pixels as <paramref name="target"/> takes.</summary>
    public void Convert(ReadOnlySpan<byte> row, Span<byte> target)
    {
        switch (header.ColourType)
        {
            case PngColourType.Palette:
                ConvertPalette(row, target);
                break;
            case PngColourType.Grey:
                ConvertGrey(row, target);
                break;
            case PngColourType.Rgb:
                ConvertRgb(row, target);
                break;
            case PngColourType.GreyAlpha:
                ConvertAlpha(row, target, colours: 1);
                break;
            default:
                ConvertAlpha(row, target, colours: 3);
                break;
        }
    }

    private void ConvertPalette(ReadOnlySpan<byte> row, Span<byte> target)
    {
        var colours = palette.Colours;
        for (int x = 0, to = 0; to < target.Length; x++, to += 3)
        {
            colours.Slice(Sample(row, x) * 3, 3).CopyTo(target[to..]);
        }
    }

    private void ConvertGrey(ReadOnlySpan<byte> row, Span<byte> target)
    {
        int transparent = palette.Transparent is [var only] ? only : -1;
        int factor = header.Depth < 8 ? 255 / ((1 << header.Depth) - 1) : 1;
        int shift = header.Depth == 16 ? 8 : 0;
        for (int x = 0, to = 0; to < target.Length; x++, to += 3)
        {
            int sample = Sample(row, x);
            byte grey = sample == transparent ? White : (byte)((sample >> shift) * factor);
            target[to] = target[to + 1] = target[to + 2] = grey;
        }
    }

    private void ConvertRgb(ReadOnlySpan<byte> row, Span<byte> target)
    {
        if (header.Depth == 8 && palette.Transparent is null)
        {
            row[..target.Length].CopyTo(target);
            return;
        }

        int shift = header.Depth - 8;
        for (int x = 0, to = 0; to < target.Length; x += 3, to += 3)
        {
            int r = Sample(row, x), g = Sample(row, x + 1), b = Sample(row, x + 2);
            bool clear = palette.Transparent is [var tr, var tg, var tb] && r == tr && g == tg && b == tb;
            target[to] = clear ? White : (byte)(r >> shift);
            target[to + 1] = clear ? White : (byte)(g >> shift);
            target[to + 2] = clear ? White : (byte)(b >> shift);
        }
    }

    private void ConvertAlpha(ReadOnlySpan<byte> row, Span<byte> target, int colours)
    {
        int shift = header.Depth - 8;
        int step = colours == 3 ? 1 : 0;
        for (int x = 0, to = 0; to < target.Length; x += colours + 1, to += 3)
        {
            int alpha = Sample(row, x + colours) >> shift;
            target[to] = OnWhite(Sample(row, x) >> shift, alpha);
            target[to + 1] = OnWhite(Sample(row, x + step) >> shift, alpha);
            target[to + 2] = OnWhite(Sample(row, x + step + step) >> shift, alpha);
        }
    }

    private int Sample(ReadOnlySpan<byte> row, int index)
    {
        switch (header.Depth)
        {
            case 8:
                return row[index];
            case 16:
                return BinaryPrimitives.ReadUInt16BigEndian(row[(2 * index)..]);
            default:
                int bit = index * header.Depth;
                return (row[bit >> 3] >> (8 - header.Depth - (bit & 7))) & ((1 << header.Depth) - 1);
        }
    }
}
