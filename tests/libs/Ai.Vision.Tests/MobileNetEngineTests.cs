using Ai.Local.Vision;
using Ai.Local.Vision.MobileNet;
using Imaging;

namespace Ai.Vision.Tests;

public sealed class MobileNetEngineTests
{
    /// <summary>Even and odd sides have different borders; 320 is what the classifier uses.</summary>
    [Theory]
    [InlineData(32)]
    [InlineData(75)]
    [InlineData(320)]
    public void Computes_what_a_plain_implementation_computes(int side)
    {
        var random = new Random(side);
        var picture = new Bitmap(side, side);
        for (int i = 0; i < picture.Pixels.Length; i++)
        {
            picture.Pixels[i] = (byte)Math.Clamp((i / 3 % side * 255 / side) + random.Next(-60, 60), 0, 255);
        }

        var features = new float[MobileNetEngine.FeatureCount];
        var logits = new float[MobileNetArchitecture.LogitCount];
        var engine = new MobileNetEngine(MobileNetWeights.Parse(SealedResource.Open(SealedResource.Read(MobileNetModel.WeightsResource))));
        var workspace = new MobileNetEngine.Workspace(side);
        engine.Run(picture, workspace, new float[features.Length], new float[logits.Length]);
        engine.Run(picture, workspace, features, logits);

        var expected = new ReferenceNet().Run(picture);
        AssertClose(expected.Logits, logits);
        AssertClose(expected.Features, features);
    }

    private static void AssertClose(double[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.InRange(expected.Zip(actual, (e, a) => Math.Abs(e - a)).Max(), 0, 1e-3);
    }
}
