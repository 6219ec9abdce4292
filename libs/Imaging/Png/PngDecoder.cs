using System.IO.Compression;

namespace Imaging.Png;

/// <summary>PNG decoder after ISO/IEC 15948: all colour types and depths, Adam7, tRNS. Gamma and colour profiles are not applied.</summary>
internal static class PngDecoder
{
    /// <summary>No deflate stream grows by more.</summary>
    private const long MaxDeflateRatio = 1032;

    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    public static ImageInfo Identify(ReadOnlySpan<byte> data)
    {
        var chunks = new PngChunkReader(data);
        var header = PngHeader.Read(ref chunks);
        return new ImageInfo(ImageFormat.Png, header.Width, header.Height, ImageOrientation.Normal);
    }

    public static Bitmap Decode(ReadOnlyMemory<byte> data, DecodeOptions options, CancellationToken cancellationToken)
    {
        var chunks = new PngChunkReader(data.Span);
        var header = PngHeader.Read(ref chunks);
        ImageDecoder.CheckPixels(header.Width, header.Height, options);
        CheckRow(header, options);
        var palette = PngPalette.Empty;
        var parts = new List<Range>();
        long compressed = 0;
        while (chunks.TryRead(out var type, out var payload))
        {
            if (type == PngChunkType.ImageData)
            {
                parts.Add(payload);
                compressed += data[payload].Length;
            }
            else if (parts.Count > 0)
            {
                break;
            }
            else if (type == PngChunkType.Palette)
            {
                palette = palette.WithColours(data.Span[payload], header);
            }
            else if (type == PngChunkType.Transparency)
            {
                palette = palette.WithTransparency(data.Span[payload], header);
            }
            else if (PngChunkType.IsCritical(type))
            {
                throw new UnsupportedImageException("The PNG file has a critical part of an unknown kind.");
            }
        }

        if (header.ColourType == PngColourType.Palette && palette.IsEmpty)
        {
            throw new ImageFormatException("The PNG file lacks its palette.");
        }

        if (header.FilteredBytes > compressed * MaxDeflateRatio)
        {
            throw new ImageFormatException("The PNG file is far too short for its picture.");
        }

        try
        {
            using var pixels = new ZLibStream(new PngDataStream(data, parts), CompressionMode.Decompress);
            var converter = new PngPixelConverter(header, palette);
            return header.Interlaced
                ? DecodeInterlaced(pixels, header, converter, options, cancellationToken)
                : DecodeRows(pixels, header, converter, options, cancellationToken);
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException)
        {
            throw new ImageFormatException("The PNG file is damaged or cut off.", exception);
        }
    }

    /// <summary>Two filtered rows and one of colours are held; a picture of one endless row would make them huge.</summary>
    private static void CheckRow(PngHeader header, DecodeOptions options)
    {
        long bytes = (2L * header.BytesPerRow(header.Width)) + ((long)header.Width * Bitmap.Channels);
        if (bytes > options.MaxWorkingBytes)
        {
            throw new ImageTooLargeException($"A row of the PNG file has {header.Width:N0} pixels; that is more than can be decoded.");
        }
    }

    private static Bitmap DecodeRows(
        Stream pixels, PngHeader header, PngPixelConverter converter, DecodeOptions options, CancellationToken cancellationToken)
    {
        int reduction = ImageDecoder.ChooseReduction(header.Width, header.Height, options.TargetMinSide);
        var reader = new PngRowReader(pixels, header, header.Width);
        if (reduction == 1)
        {
            var bitmap = Bitmap.Uninitialized(header.Width, header.Height);
            for (int y = 0; y < header.Height; y++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                converter.Convert(reader.ReadRow(), bitmap.Row(y));
            }

            return bitmap;
        }

        var reducer = new RowReducer(header.Width, header.Height, reduction, reduction);
        var row = new byte[header.Width * Bitmap.Channels];
        for (int y = 0; y < header.Height; y++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            converter.Convert(reader.ReadRow(), row);
            reducer.Add(row);
        }

        return reducer.Bitmap;
    }

    /// <summary>Adam7: seven small pictures, each with its own grid (ISO/IEC 15948, 8.2).</summary>
    private static Bitmap DecodeInterlaced(
        Stream pixels, PngHeader header, PngPixelConverter converter, DecodeOptions options, CancellationToken cancellationToken)
    {
        int reduction = ImageDecoder.ChooseReduction(header.Width, header.Height, options.TargetMinSide);
        var bitmap = reduction == 1 ? Bitmap.Uninitialized(header.Width, header.Height) : null;
        var reducer = reduction == 1 ? null : CreateReducer(header, reduction, options);
        var colours = new byte[header.Width * Bitmap.Channels];
        foreach (var pass in Adam7Pass.All)
        {
            int width = pass.Width(header.Width);
            int height = pass.Height(header.Height);
            if (width == 0 || height == 0)
            {
                continue;
            }

            var reader = new PngRowReader(pixels, header, width);
            var row = colours.AsSpan(0, width * Bitmap.Channels);
            for (int i = 0, y = pass.StartY; i < height; i++, y += pass.StepY)
            {
                cancellationToken.ThrowIfCancellationRequested();
                converter.Convert(reader.ReadRow(), row);
                if (reducer is null)
                {
                    pass.Spread(row, bitmap!.Row(y));
                }
                else
                {
                    reducer.Add(row, pass, y);
                }
            }
        }

        return bitmap ?? reducer!.ToBitmap();
    }

    private static Adam7Reducer CreateReducer(PngHeader header, int reduction, DecodeOptions options)
    {
        long bytes = Adam7Reducer.BytesFor(header.Width, header.Height, reduction);
        if (bytes > options.MaxWorkingBytes)
        {
            throw new ImageTooLargeException(
                $"This PNG file is interlaced and needs {bytes:N0} bytes to decode at this size; at most {options.MaxWorkingBytes:N0} are allowed.");
        }

        return new Adam7Reducer(header.Width, header.Height, reduction);
    }
}
