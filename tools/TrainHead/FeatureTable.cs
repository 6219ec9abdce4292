using Ai.Local.Vision;
using Imaging;

namespace TrainHead;

/// <summary>The features of many pictures, a row each.</summary>
internal sealed class FeatureTable(float[] values, int[] labels, int featureCount)
{
    public int Rows => labels.Length;

    public int FeatureCount => featureCount;

    public int LabelOf(int row) => labels[row];

    public ReadOnlySpan<float> Row(int row) => values.AsSpan(row * featureCount, featureCount);

    /// <summary>Decodes and describes every picture exactly as the classifier does.</summary>
    public static FeatureTable Extract(FeatureModel model, IReadOnlyList<LabelledPicture> pictures)
    {
        var values = new float[pictures.Count * model.FeatureCount];
        Parallel.For(0, pictures.Count, i =>
        {
            var bitmap = ImageDecoder.Decode(File.ReadAllBytes(pictures[i].File), new DecodeOptions { TargetMinSide = model.Side });
            model.Describe(bitmap, values.AsSpan(i * model.FeatureCount, model.FeatureCount), maxHints: 0);
        });
        return new FeatureTable(values, [.. pictures.Select(picture => picture.Label)], model.FeatureCount);
    }
}
