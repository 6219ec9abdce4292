using Imaging.Jpeg;
using Imaging.Png;

namespace Imaging;

/// <summary>
/// Decodes JPEG and PNG pictures of unknown origin. Time and memory are bounded by the size of the file and by
/// <see cref="DecodeOptions"/>; bad content causes an <see cref="ImageFormatException"/> and nothing else. Thread-safe.
/// </summary>
public static class ImageDecoder
{
    /// <summary>The shorter side may come out at twice the wish, the longer at four times that: anything of more pixels is a strip.</summary>
    private const int StripFactor = 16;

    /// <summary>Reads format, size and orientation. The first part of a file is enough when it holds the header.</summary>
    /// <exception cref="UnsupportedImageException">Neither JPEG nor PNG, or a variant that cannot be decoded.</exception>
    /// <exception cref="ImageFormatException">The header is damaged or cut off.</exception>
    public static ImageInfo Identify(ReadOnlySpan<byte> data) => Sniff(data) switch
    {
        ImageFormat.Jpeg => JpegDecoder.Identify(data),
        _ => PngDecoder.Identify(data),
    };

    /// <summary>Reads the header and refuses a picture whose size <see cref="Decode"/> would refuse.</summary>
    /// <exception cref="ImageTooLargeException">More pixels or a longer side than <paramref name="limits"/> allow.</exception>
    /// <exception cref="UnsupportedImageException">Neither JPEG nor PNG, or a variant that cannot be decoded.</exception>
    /// <exception cref="ImageFormatException">The header is damaged or cut off.</exception>
    public static ImageInfo Identify(ReadOnlySpan<byte> data, DecodeOptions limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        var info = Identify(data);
        CheckPixels(info.Width, info.Height, limits);
        return info;
    }

    /// <summary>Decodes to 24-bit RGB. Transparent parts are shown on white, as a browser shows them.</summary>
    /// <exception cref="ImageTooLargeException">A limit of <paramref name="options"/> is exceeded.</exception>
    /// <exception cref="UnsupportedImageException">Neither JPEG nor PNG, or a variant that cannot be decoded.</exception>
    /// <exception cref="ImageFormatException">The picture is damaged or cut off.</exception>
    public static Bitmap Decode(
        ReadOnlyMemory<byte> data, DecodeOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= DecodeOptions.Default;
        if (data.Length > options.MaxBytes)
        {
            throw new ImageTooLargeException($"The picture has {data.Length:N0} bytes; at most {options.MaxBytes:N0} are allowed.");
        }

        return Sniff(data.Span) switch
        {
            ImageFormat.Jpeg => JpegDecoder.Decode(data.Span, options, cancellationToken),
            _ => PngDecoder.Decode(data, options, cancellationToken),
        };
    }

    /// <summary>Refuses a picture with more pixels or a longer side than allowed. Called before any buffer depends on the size.</summary>
    internal static void CheckPixels(long width, long height, DecodeOptions options)
    {
        if (Math.Max(width, height) > options.MaxSide)
        {
            throw new ImageTooLargeException(
                $"The picture has {width:N0} x {height:N0} pixels; a side may have {options.MaxSide:N0} at most.");
        }

        if (width * height > options.MaxPixels)
        {
            throw new ImageTooLargeException(
                $"The picture has {width:N0} x {height:N0} pixels; at most {options.MaxPixels:N0} are allowed.");
        }
    }

    /// <summary>The largest reduction of 1, 2, 4, 8 that keeps the shorter side at or above the wish, or a larger one for a strip.</summary>
    internal static int ChooseReduction(int width, int height, int? targetMinSide)
    {
        if (targetMinSide is not { } wanted)
        {
            return 1;
        }

        long most = (long)StripFactor * wanted * wanted;
        int reduction = 8;
        while (reduction > 1 && Reduced(Math.Min(width, height), reduction) < wanted && Reduced(width, reduction / 2) * Reduced(height, reduction / 2) <= most)
        {
            reduction /= 2;
        }

        return reduction;

        static long Reduced(int side, int by) => (side + by - 1) / by;
    }

    private static ImageFormat Sniff(ReadOnlySpan<byte> data)
    {
        if (data.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]))
        {
            return ImageFormat.Jpeg;
        }

        if (data.StartsWith(PngDecoder.Signature))
        {
            return ImageFormat.Png;
        }

        throw data switch
        {
            [(byte)'G', (byte)'I', (byte)'F', (byte)'8', ..] => Unsupported("GIF"),
            [(byte)'B', (byte)'M', _, _, _, _, 0, 0, 0, 0, ..] => Unsupported("BMP"),
            [(byte)'R', (byte)'I', (byte)'F', (byte)'F', _, _, _, _, (byte)'W', (byte)'E', (byte)'B', (byte)'P', ..] => Unsupported("WebP"),
            [_, _, _, _, (byte)'f', (byte)'t', (byte)'y', (byte)'p', ..] => Unsupported("HEIC, AVIF or video"),
            _ => new UnsupportedImageException("This is not a JPEG or PNG picture."),
        };

        static UnsupportedImageException Unsupported(string name) =>
            new($"{name} files are not supported; send a JPEG or PNG picture.");
    }
}
