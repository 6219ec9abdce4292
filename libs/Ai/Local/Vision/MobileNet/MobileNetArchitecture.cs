namespace Ai.Local.Vision.MobileNet;

/// <summary>
/// MobileNetV1 with a quarter of the channels: a full convolution, thirteen pairs of a depthwise and a pointwise convolution, the
/// mean over the picture and a linear layer to the 1000 ImageNet classes and "background" (Howard et al. 2017, table 1).
/// </summary>
internal static class MobileNetArchitecture
{
    /// <summary>Channels behind the first convolution.</summary>
    public const int StemChannels = 8;

    /// <summary>The first convolution halves the picture.</summary>
    public const int StemStride = 2;

    /// <summary>Taps of every spatial convolution, 3 x 3.</summary>
    public const int Taps = 9;

    /// <summary>ImageNet's classes and, at index 0, "background".</summary>
    public const int LogitCount = 1001;

    /// <summary>Channels of the last block: the length of the embedding.</summary>
    public const int EmbeddingLength = 256;

    /// <summary>Number of weights and biases of the whole net.</summary>
    public const int ParameterCount = 467_593;

    /// <summary>Stride of the depthwise and output channels of the pointwise convolution of each block.</summary>
    public static ReadOnlySpan<Block> Blocks => BlockList;

    private static readonly Block[] BlockList =
    [
        new(1, 16), new(2, 32), new(1, 32), new(2, 64), new(1, 64), new(2, 128), new(1, 128), new(1, 128), new(1, 128), new(1, 128),
        new(1, 128), new(2, 256), new(1, 256),
    ];

    /// <summary>Side of the map behind a convolution that pads with zeros ("SAME").</summary>
    public static int SideAfter(int side, int stride) => (side + stride - 1) / stride;

    /// <summary>Rows of zeros before a map that such a convolution reads; what is left of the padding comes behind it.</summary>
    public static int PaddingBefore(int side, int stride) => Math.Max(((SideAfter(side, stride) - 1) * stride) + 3 - side, 0) / 2;

    /// <summary>One pair of convolutions.</summary>
    internal readonly record struct Block(int Stride, int Channels);
}
