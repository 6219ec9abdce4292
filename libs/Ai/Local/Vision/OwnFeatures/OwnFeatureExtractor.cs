using Imaging;

namespace Ai.Local.Vision.OwnFeatures;

/// <summary>
/// Describes a picture without learned weights: which colours, which edges in which part, which fine texture. Used when the
/// network's weights are not wanted or not intact.
/// </summary>
internal static class OwnFeatureExtractor
{
    /// <summary>Pixels per side of the picture to describe.</summary>
    public const int Side = 96;

    /// <summary>Numbers per picture.</summary>
    public const int FeatureCount =
        ColourHistogram.Length + ColourMoments.Length + OrientedGradients.Length + BinaryPatterns.Length;

    /// <summary>Describes a picture of <see cref="Side"/> by <see cref="Side"/> pixels.</summary>
    public static void Describe(Bitmap picture, Span<float> features)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(picture.Width, Side);
        ArgumentOutOfRangeException.ThrowIfNotEqual(picture.Height, Side);
        ArgumentOutOfRangeException.ThrowIfLessThan(features.Length, FeatureCount);
        var grey = new float[Side * Side];
        ToGrey(picture.Pixels, grey);

        ColourHistogram.Describe(picture.Pixels, Next(ref features, ColourHistogram.Length));
        ColourMoments.Describe(picture.Pixels, Next(ref features, ColourMoments.Length));
        OrientedGradients.Describe(grey, Side, Next(ref features, OrientedGradients.Length));
        BinaryPatterns.Describe(grey, Side, Next(ref features, BinaryPatterns.Length));
    }

    private static Span<float> Next(ref Span<float> features, int length)
    {
        var part = features[..length];
        features = features[length..];
        part.Clear();
        return part;
    }

    /// <summary>Luma of ITU-R BT.601.</summary>
    private static void ToGrey(ReadOnlySpan<byte> pixels, Span<float> grey)
    {
        for (int i = 0, p = 0; i < grey.Length; i++, p += Bitmap.Channels)
        {
            grey[i] = (0.299f * pixels[p]) + (0.587f * pixels[p + 1]) + (0.114f * pixels[p + 2]);
        }
    }
}
