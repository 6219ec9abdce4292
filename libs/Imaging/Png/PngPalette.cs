using System.Buffers.Binary;

namespace Imaging.Png;

/// <summary>What PLTE and tRNS say: the palette already mixed with white, or the one colour that is transparent.</summary>
internal sealed class PngPalette
{
    private readonly byte[] _colours;

    private PngPalette(byte[] colours, ushort[]? transparent)
    {
        _colours = colours;
        Transparent = transparent;
    }

    public static PngPalette Empty { get; } = new([], null);

    public bool IsEmpty => _colours.Length == 0;

    /// <summary>Three bytes per entry; always 256 entries, so that any index is valid. What the file leaves out is black.</summary>
    public ReadOnlySpan<byte> Colours => _colours;

    /// <summary>Samples, as stored, of the transparent colour of a picture without alpha.</summary>
    public ushort[]? Transparent { get; }

    /// <summary>PLTE.</summary>
    public PngPalette WithColours(ReadOnlySpan<byte> payload, PngHeader header)
    {
        if (header.ColourType != PngColourType.Palette)
        {
            // A suggestion for displays with few colours.
            return this;
        }

        if (payload.Length is 0 or > 256 * 3 || payload.Length % 3 != 0 || !IsEmpty)
        {
            throw new ImageFormatException("The palette of the PNG file is damaged.");
        }

        var colours = new byte[256 * 3];
        payload.CopyTo(colours);
        return new PngPalette(colours, null);
    }

    /// <summary>tRNS.</summary>
    public PngPalette WithTransparency(ReadOnlySpan<byte> payload, PngHeader header)
    {
        switch (header.ColourType)
        {
            case PngColourType.Palette when payload.Length <= 256 && !IsEmpty:
                var mixed = (byte[])_colours.Clone();
                for (int i = 0; i < payload.Length * 3; i++)
                {
                    mixed[i] = PngPixelConverter.OnWhite(mixed[i], payload[i / 3]);
                }

                return new PngPalette(mixed, null);
            case PngColourType.Grey when payload.Length == 2:
            case PngColourType.Rgb when payload.Length == 6:
                var samples = new ushort[payload.Length / 2];
                for (int i = 0; i < samples.Length; i++)
                {
                    samples[i] = BinaryPrimitives.ReadUInt16BigEndian(payload[(2 * i)..]);
                }

                return new PngPalette(_colours, samples);
            default:
                throw new ImageFormatException("The transparency of the PNG file is damaged.");
        }
    }
}
