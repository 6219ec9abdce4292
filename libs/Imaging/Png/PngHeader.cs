using System.Buffers.Binary;

namespace Imaging.Png;

/// <summary>How the samples of a pixel are to be read (ISO/IEC 15948, table 11.1).</summary>
internal enum PngColourType
{
    Grey = 0,
    Rgb = 2,
    Palette = 3,
    GreyAlpha = 4,
    RgbAlpha = 6,
}

/// <summary>The IHDR chunk.</summary>
internal sealed record PngHeader(int Width, int Height, int Depth, PngColourType ColourType, bool Interlaced)
{
    private const int PayloadBytes = 13;

    public int SamplesPerPixel => ColourType switch
    {
        PngColourType.Rgb => 3,
        PngColourType.GreyAlpha => 2,
        PngColourType.RgbAlpha => 4,
        _ => 1,
    };

    /// <summary>Distance of the filters' "pixel to the left", at least one byte.</summary>
    public int FilterDistance => Math.Max(1, SamplesPerPixel * Depth / 8);

    /// <summary>Bytes of the picture before compression, with one filter byte per row. A little less than the truth with Adam7.</summary>
    public long FilteredBytes => Height * (1L + BytesPerRow(Width));

    public int BytesPerRow(int width) => (int)((((long)width * SamplesPerPixel * Depth) + 7) / 8);

    /// <summary>Reads the first chunk, which must be the header.</summary>
    public static PngHeader Read(ref PngChunkReader chunks)
    {
        if (!chunks.TryRead(out uint type, out var range) || type != PngChunkType.Header)
        {
            throw new ImageFormatException("The PNG file has no header.");
        }

        var payload = chunks.Payload(range);
        if (payload.Length != PayloadBytes)
        {
            throw Damaged();
        }

        uint width = BinaryPrimitives.ReadUInt32BigEndian(payload);
        uint height = BinaryPrimitives.ReadUInt32BigEndian(payload[4..]);
        int depth = payload[8];
        var colourType = (PngColourType)payload[9];
        bool known = colourType switch
        {
            PngColourType.Grey => depth is 1 or 2 or 4 or 8 or 16,
            PngColourType.Palette => depth is 1 or 2 or 4 or 8,
            PngColourType.Rgb or PngColourType.GreyAlpha or PngColourType.RgbAlpha => depth is 8 or 16,
            _ => false,
        };
        if (!known || width is 0 or > int.MaxValue / 64 || height is 0 or > int.MaxValue / 64 || payload[10..12] is not [0, 0] || payload[12] > 1)
        {
            throw Damaged();
        }

        return new PngHeader((int)width, (int)height, depth, colourType, payload[12] == 1);
    }

    private static ImageFormatException Damaged() => new("The PNG header is damaged.");
}
