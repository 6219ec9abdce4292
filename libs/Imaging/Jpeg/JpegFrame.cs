using System.Buffers.Binary;

namespace Imaging.Jpeg;

/// <summary>The frame header (T.81 B.2.2): size, process and channels.</summary>
internal sealed class JpegFrame
{
    private JpegFrame(bool progressive, int width, int height, JpegComponent[] components)
    {
        Progressive = progressive;
        Width = width;
        Height = height;
        Components = components;
        foreach (var component in components)
        {
            MaxHorizontal = Math.Max(MaxHorizontal, component.Horizontal);
            MaxVertical = Math.Max(MaxVertical, component.Vertical);
        }

        UnitsPerRow = (width + (8 * MaxHorizontal) - 1) / (8 * MaxHorizontal);
        UnitRows = (height + (8 * MaxVertical) - 1) / (8 * MaxVertical);
    }

    public bool Progressive { get; }

    public int Width { get; }

    public int Height { get; }

    public JpegComponent[] Components { get; }

    public int MaxHorizontal { get; } = 1;

    public int MaxVertical { get; } = 1;

    /// <summary>Interleaved units (MCU) per row.</summary>
    public int UnitsPerRow { get; }

    /// <summary>Rows of interleaved units.</summary>
    public int UnitRows { get; }

    /// <summary>Reads the payload of a start-of-frame segment.</summary>
    public static JpegFrame Parse(byte marker, ReadOnlySpan<byte> payload)
    {
        if (marker > JpegMarker.Sof2Progressive)
        {
            throw new UnsupportedImageException(
                marker >= JpegMarker.Sof9Arithmetic ? "Arithmetic-coded JPEG files are not supported." :
                marker == JpegMarker.Sof3Lossless ? "Lossless JPEG files are not supported." :
                "Hierarchical JPEG files are not supported.");
        }

        if (payload.Length < 6)
        {
            throw new ImageFormatException("The JPEG header is cut off.");
        }

        int precision = payload[0];
        int height = BinaryPrimitives.ReadUInt16BigEndian(payload[1..]);
        int width = BinaryPrimitives.ReadUInt16BigEndian(payload[3..]);
        int count = payload[5];
        if (precision != 8)
        {
            throw new UnsupportedImageException($"JPEG files with {precision} bits per sample are not supported.");
        }

        if (width == 0 || height == 0)
        {
            throw new ImageFormatException("The JPEG header gives no size.");
        }

        if (count is not (1 or 3))
        {
            throw count == 4
                ? new UnsupportedImageException("CMYK JPEG files are not supported; send an RGB picture.")
                : new UnsupportedImageException($"JPEG files with {count} channels are not supported.");
        }

        if (payload.Length < 6 + (3 * count))
        {
            throw new ImageFormatException("The JPEG header is cut off.");
        }

        return new JpegFrame(marker == JpegMarker.Sof2Progressive, width, height, ParseComponents(payload[6..], count)).LayOut();
    }

    private static JpegComponent[] ParseComponents(ReadOnlySpan<byte> payload, int count)
    {
        var components = new JpegComponent[count];
        for (int i = 0; i < count; i++)
        {
            var entry = payload.Slice(i * 3, 3);
            int horizontal = entry[1] >> 4;
            int vertical = entry[1] & 15;
            if (horizontal is < 1 or > 4 || vertical is < 1 or > 4 || entry[2] > 3)
            {
                throw new ImageFormatException("The JPEG header is damaged: impossible sampling.");
            }

            components[i] = new JpegComponent(entry[0], horizontal, vertical, entry[2]);
        }

        if (count == 1)
        {
            components[0].TreatAsSingle();
        }

        return components;
    }

    private JpegFrame LayOut()
    {
        foreach (var component in Components)
        {
            if (MaxHorizontal % component.Horizontal != 0 || MaxVertical % component.Vertical != 0)
            {
                throw new UnsupportedImageException("JPEG files with fractional chroma sampling are not supported.");
            }

            component.LayOut(this);
        }

        return this;
    }
}
