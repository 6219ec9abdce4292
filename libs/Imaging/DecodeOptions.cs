namespace Imaging;

/// <summary>Limits and wishes for decoding. Limits are checked before anything of that size is allocated.</summary>
public sealed record DecodeOptions
{
    /// <summary>The limits for uploads of strangers.</summary>
    public static DecodeOptions Default { get; } = new();

    /// <summary>Largest number of stored pixels, width times height. Default 40,000,000.</summary>
    public long MaxPixels { get; init; } = 40_000_000;

    /// <summary>Longest stored side, in pixels. Default 65,535, the most that a JPEG can have; a PNG may claim millions.</summary>
    public int MaxSide { get; init; } = 65_535;

    /// <summary>Largest file, in bytes. Default 20 MiB.</summary>
    public int MaxBytes { get; init; } = 20 * 1024 * 1024;

    /// <summary>
    /// Largest memory beside the returned pixels, in bytes. Default 50 MB. Only a progressive JPEG decoded at full size (about 3 bytes
    /// per stored pixel) and an interlaced PNG reduced to the half (1.5 bytes) come near it; at 1/4 and 1/8 they need a fraction.
    /// </summary>
    public long MaxWorkingBytes { get; init; } = 50_000_000;

    /// <summary>
    /// When set, the picture may be returned at 1/2, 1/4 or 1/8 of its size as long as its shorter side keeps at least this many
    /// pixels. A JPEG then skips most of the work, which makes phone photos cheap. A strip whose longer side is more than four times
    /// the shorter is reduced further when it would have more than 16 times the square of the wish: else one of 600 by 60,000 pixels
    /// would be returned whole. Default: full size.
    /// </summary>
    public int? TargetMinSide { get; init; }

    /// <summary>Turns the picture upright by its EXIF orientation. Default true.</summary>
    public bool ApplyOrientation { get; init; } = true;
}
