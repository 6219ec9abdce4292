namespace Imaging.Jpeg;

/// <summary>One colour channel of a frame: its sampling, and how large its blocks become in the result.</summary>
internal sealed class JpegComponent(byte id, int horizontal, int vertical, int quantizationTable)
{
    public byte Id { get; } = id;

    /// <summary>Blocks per row of an interleaved unit.</summary>
    public int Horizontal { get; private set; } = horizontal;

    /// <summary>Blocks per column of an interleaved unit.</summary>
    public int Vertical { get; private set; } = vertical;

    public int QuantizationTable { get; } = quantizationTable;

    /// <summary>Blocks that hold picture, for scans of this channel alone (T.81 A.2.2).</summary>
    public int BlocksPerRow { get; private set; }

    /// <summary>Rows of such blocks.</summary>
    public int BlockRows { get; private set; }

    /// <summary>Blocks per row including the ones that fill the last interleaved unit.</summary>
    public int PaddedBlocksPerRow { get; private set; }

    /// <summary>Rows of blocks including filling ones.</summary>
    public int PaddedBlockRows { get; private set; }

    /// <summary>Samples per row of a transformed block: 1, 2, 4 or 8.</summary>
    public int BlockWidth { get; private set; } = 8;

    /// <summary>Rows of a transformed block.</summary>
    public int BlockHeight { get; private set; } = 8;

    /// <summary>Result pixels per sample in a row.</summary>
    public int RepeatX { get; private set; } = 1;

    /// <summary>Result rows per row of samples.</summary>
    public int RepeatY { get; private set; } = 1;

    /// <summary>Samples of one row of interleaved units; <see cref="Stride"/> samples per row.</summary>
    public byte[] Strip { get; private set; } = [];

    public int Stride => PaddedBlocksPerRow * BlockWidth;

    /// <summary>The transform with the quantization table as it was when the channel's first scan began.</summary>
    public InverseDct? Transform { get; set; }

    public HuffmanTable? DcTable { get; set; }

    public HuffmanTable? AcTable { get; set; }

    /// <summary>Last DC value: each is stored as the difference to the one before.</summary>
    public int DcPrediction { get; set; }

    /// <summary>Coefficients kept until the last scan; null while the picture is decoded in one pass.</summary>
    public CoefficientStore? Coefficients { get; set; }

    public long PaddedBlocks => (long)PaddedBlocksPerRow * PaddedBlockRows;

    /// <summary>A picture with one channel has units of one block, whatever its header says (T.81 A.2.2).</summary>
    public void TreatAsSingle() => (Horizontal, Vertical) = (1, 1);

    /// <summary>Computes the grid of blocks.</summary>
    public void LayOut(JpegFrame frame)
    {
        BlocksPerRow = CeilDivide(CeilDivide(frame.Width * Horizontal, frame.MaxHorizontal), 8);
        BlockRows = CeilDivide(CeilDivide(frame.Height * Vertical, frame.MaxVertical), 8);
        PaddedBlocksPerRow = frame.UnitsPerRow * Horizontal;
        PaddedBlockRows = frame.UnitRows * Vertical;
    }

    /// <summary>
    /// Chooses the block size for a luminance block of <paramref name="scale"/> samples. A channel with fewer samples is reduced
    /// less, so that it meets the others without being enlarged afterwards.
    /// </summary>
    public void Scale(JpegFrame frame, int scale)
    {
        (BlockWidth, RepeatX) = Fit(scale, frame.MaxHorizontal / Horizontal);
        (BlockHeight, RepeatY) = Fit(scale, frame.MaxVertical / Vertical);
    }

    public void AllocateStrip() => Strip = new byte[Stride * Vertical * BlockHeight];

    private static (int Size, int Repeat) Fit(int scale, int ratio)
    {
        int size = scale;
        while (size < 8 && scale * ratio % (size * 2) == 0)
        {
            size *= 2;
        }

        return (size, scale * ratio / size);
    }

    private static int CeilDivide(int value, int by) => (value + by - 1) / by;
}
