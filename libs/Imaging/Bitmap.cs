namespace Imaging;

/// <summary>A picture in memory: rows from top to bottom, three bytes R, G, B per pixel, no padding.</summary>
public sealed class Bitmap
{
    /// <summary>Bytes per pixel.</summary>
    public const int Channels = 3;

    private readonly byte[] _pixels;

    /// <summary>Creates a black picture.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A side is below 1 or the pixels do not fit one array.</exception>
    public Bitmap(int width, int height)
        : this(width, height, new byte[ByteCount(width, height)])
    {
    }

    private Bitmap(int width, int height, byte[] pixels)
    {
        Width = width;
        Height = height;
        _pixels = pixels;
    }

    /// <summary>Pixels per row.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>Bytes per row.</summary>
    public int Stride => Width * Channels;

    /// <summary>All pixels, row after row.</summary>
    public Span<byte> Pixels => _pixels;

    /// <summary>One row.</summary>
    public Span<byte> Row(int y) => _pixels.AsSpan(y * Stride, Stride);

    /// <summary>
    /// A copy of the given size; the sides may change by different factors. Every source pixel has its share in the result
    /// (triangle filter widened by the reduction, as most libraries call "bilinear with antialias").
    /// </summary>
    public Bitmap Resize(int width, int height) => Resampler.Resize(this, width, height);

    /// <summary>A picture whose pixels the caller fills completely; saves clearing them first.</summary>
    internal static Bitmap Uninitialized(int width, int height) =>
        new(width, height, GC.AllocateUninitializedArray<byte>(ByteCount(width, height)));

    private static int ByteCount(int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        long bytes = (long)width * height * Channels;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, Array.MaxLength, nameof(width));
        return (int)bytes;
    }
}
