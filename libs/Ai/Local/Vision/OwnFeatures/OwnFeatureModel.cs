using Imaging;

namespace Ai.Local.Vision.OwnFeatures;

/// <summary>Colours, edges and textures.</summary>
internal sealed class OwnFeatureModel : FeatureModel
{
    public override string Name => "own-features";

    public override string HeadResource => "own-features-head-v1.bin";

    public override int Side => OwnFeatureExtractor.Side;

    public override int FeatureCount => OwnFeatureExtractor.FeatureCount;

    public override IReadOnlyList<LabelHint> Describe(Bitmap picture, Span<float> features, int maxHints)
    {
        OwnFeatureExtractor.Describe(picture.Resize(Side, Side), features);
        return [];
    }
}
