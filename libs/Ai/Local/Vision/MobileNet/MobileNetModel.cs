using Imaging;
using Microsoft.Extensions.ObjectPool;

namespace Ai.Local.Vision.MobileNet;

/// <summary>Pooled activations of the network, and its own opinion as hints.</summary>
internal sealed class MobileNetModel : FeatureModel
{
    /// <summary>Embedded weights.</summary>
    public const string WeightsResource = "mobilenet-v1-0.25.bin";

    /// <summary>More than the 224 that the net was trained with: what lies on a table is seen better.</summary>
    private const int InputSide = 320;

    private readonly MobileNetEngine _engine;
    private readonly ObjectPool<MobileNetEngine.Workspace> _workspaces =
        new DefaultObjectPool<MobileNetEngine.Workspace>(new WorkspacePolicy(), Environment.ProcessorCount);

    /// <param name="weightsFile">Content of the weights file with its checksum.</param>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public MobileNetModel(ReadOnlySpan<byte> weightsFile)
    {
        _engine = new MobileNetEngine(MobileNetWeights.Parse(SealedResource.Open(weightsFile)));
    }

    public override string Name => "mobilenet-v1-0.25";

    public override string HeadResource => "mobilenet-v1-0.25-head-v1.bin";

    public override int Side => InputSide;

    public override int FeatureCount => MobileNetEngine.FeatureCount;

    public override IReadOnlyList<LabelHint> Describe(Bitmap picture, Span<float> features, int maxHints)
    {
        Span<float> logits = stackalloc float[MobileNetArchitecture.LogitCount];
        var workspace = _workspaces.Get();
        try
        {
            _engine.Run(picture.Resize(Side, Side), workspace, features, logits);
        }
        finally
        {
            _workspaces.Return(workspace);
        }

        return maxHints == 0 ? [] : ImageNetLabels.Best(logits, maxHints);
    }

    private sealed class WorkspacePolicy : IPooledObjectPolicy<MobileNetEngine.Workspace>
    {
        public MobileNetEngine.Workspace Create() => new(InputSide);

        public bool Return(MobileNetEngine.Workspace obj) => true;
    }
}
