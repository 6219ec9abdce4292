using Imaging;

namespace Ai.Local.Vision.OwnFeatures;

/// <summary>Share of the pixels in each of 8 x 8 x 8 cells of hue, saturation and value, as its square root.</summary>
internal static class ColourHistogram
{
    private const int Bins = 8;

    public const int Length = Bins * Bins * Bins;

    public static void Describe(ReadOnlySpan<byte> pixels, Span<float> histogram)
    {
        for (int p = 0; p + 2 < pixels.Length; p += Bitmap.Channels)
        {
            var (hue, saturation, value) = ToHsv(pixels[p], pixels[p + 1], pixels[p + 2]);
            histogram[(((Bin(hue) * Bins) + Bin(saturation)) * Bins) + Bin(value)]++;
        }

        int count = pixels.Length / Bitmap.Channels;
        foreach (ref float share in histogram)
        {
            share = MathF.Sqrt(share / count);
        }
    }

    /// <summary>All three in 0 to 1; hue 0 is red.</summary>
    public static (float Hue, float Saturation, float Value) ToHsv(int r, int g, int b)
    {
        int max = Math.Max(r, Math.Max(g, b));
        int range = max - Math.Min(r, Math.Min(g, b));
        if (range == 0)
        {
            return (0, 0, max / 255f);
        }

        float sixths = max == r ? (float)(g - b) / range : max == g ? 2 + ((float)(b - r) / range) : 4 + ((float)(r - g) / range);
        return ((sixths < 0 ? sixths + 6 : sixths) / 6, (float)range / max, max / 255f);
    }

    private static int Bin(float value) => Math.Min((int)(value * Bins), Bins - 1);
}
