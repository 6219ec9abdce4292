using Imaging;

namespace Ai.Local.Vision.OwnFeatures;

/// <summary>Mean and standard deviation of red, green, blue, saturation and value.</summary>
internal static class ColourMoments
{
    private const int Channels = 5;

    public const int Length = 2 * Channels;

    public static void Describe(ReadOnlySpan<byte> pixels, Span<float> moments)
    {
        var sums = moments[..Channels];
        var squares = moments.Slice(Channels, Channels);
        Span<float> values = stackalloc float[Channels];
        for (int p = 0; p + 2 < pixels.Length; p += Bitmap.Channels)
        {
            var (_, saturation, value) = ColourHistogram.ToHsv(pixels[p], pixels[p + 1], pixels[p + 2]);
            values[0] = pixels[p] / 255f;
            values[1] = pixels[p + 1] / 255f;
            values[2] = pixels[p + 2] / 255f;
            values[3] = saturation;
            values[4] = value;
            for (int i = 0; i < Channels; i++)
            {
                sums[i] += values[i];
                squares[i] += values[i] * values[i];
            }
        }

        float count = pixels.Length / Bitmap.Channels;
        for (int i = 0; i < Channels; i++)
        {
            sums[i] /= count;
            squares[i] = MathF.Sqrt(Math.Max(0, (squares[i] / count) - (sums[i] * sums[i])));
        }
    }
}
