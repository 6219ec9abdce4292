using Ai.Local.Vision;
using Ai.Local.Vision.MobileNet;
using Imaging;

namespace Ai.Vision.Tests;

/// <summary>
/// Some logits of fixed pictures, computed by TensorFlow.js 4.22 (cpu backend) from the published model with its weights rounded
/// to half precision. They hold engine, weights file and each other in place: the plain net of these tests could share a
/// misunderstanding with the engine, TensorFlow cannot.
/// </summary>
public sealed class TensorFlowGoldenTests
{
    private const float Tolerance = 1e-3f;
    private static readonly int[] Indexes = [0, 1, 100, 200, 300, 400, 500, 527, 600, 700, 800, 899, 1000];

    /// <summary>Side, index of the largest logit, logits at <see cref="Indexes"/>.</summary>
    public static TheoryData<int, int, float[]> Golden() => new()
    {
        { 224, 859, [-2.2513f, 1.8218f, -1.7103f, 1.0454f, -2.4669f, 0.8214f, 0.7544f, -0.7512f, 1.4199f, -0.4263f, 2.3700f, 2.2033f, 1.6679f] },
        { 320, 859, [-2.0004f, 0.7377f, -0.6073f, 0.5352f, -2.4250f, 0.6302f, 0.5747f, -0.7056f, 1.9870f, -1.3172f, 2.8213f, 2.3648f, 1.5484f] },
    };

    [Theory]
    [MemberData(nameof(Golden))]
    public void Gives_the_logits_of_TensorFlow(int side, int best, float[] expected)
    {
        var engine = new MobileNetEngine(MobileNetWeights.Parse(SealedResource.Open(SealedResource.Read(MobileNetModel.WeightsResource))));
        var logits = new float[MobileNetArchitecture.LogitCount];
        engine.Run(Picture(side), new MobileNetEngine.Workspace(side), new float[MobileNetEngine.FeatureCount], logits);
        for (int i = 0; i < Indexes.Length; i++)
        {
            Assert.Equal(expected[i], logits[Indexes[i]], Tolerance);
        }

        Assert.Equal(best, Array.IndexOf(logits, logits.Max()));
    }

    /// <summary>Modulo 256: R = 7x + 13y, G = xy, B = x² + 3y.</summary>
    private static Bitmap Picture(int side)
    {
        var bitmap = new Bitmap(side, side);
        for (int y = 0; y < side; y++)
        {
            var row = bitmap.Row(y);
            for (int x = 0; x < side; x++)
            {
                row[x * 3] = (byte)((x * 7) + (y * 13));
                row[(x * 3) + 1] = (byte)(x * y);
                row[(x * 3) + 2] = (byte)((x * x) + (3 * y));
            }
        }

        return bitmap;
    }
}
