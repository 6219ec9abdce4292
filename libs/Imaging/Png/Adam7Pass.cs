namespace Imaging.Png;

/// <summary>One of the seven grids of an interlaced picture (ISO/IEC 15948, 8.2).</summary>
internal readonly record struct Adam7Pass(int StartX, int StartY, int StepX, int StepY)
{
    public static ReadOnlySpan<Adam7Pass> All => Passes;

    private static readonly Adam7Pass[] Passes =
    [
        new(0, 0, 8, 8), new(4, 0, 8, 8), new(0, 4, 4, 8), new(2, 0, 4, 4), new(0, 2, 2, 4), new(1, 0, 2, 2), new(0, 1, 1, 2),
    ];

    public int Width(int width) => Count(width, StartX, StepX);

    public int Height(int height) => Count(height, StartY, StepY);

    /// <summary>Puts the pixels of a row of the pass where they belong in a row of the picture.</summary>
    public void Spread(ReadOnlySpan<byte> row, Span<byte> target)
    {
        int to = StartX * Bitmap.Channels;
        for (int from = 0; from < row.Length; from += Bitmap.Channels, to += StepX * Bitmap.Channels)
        {
            row.Slice(from, Bitmap.Channels).CopyTo(target[to..]);
        }
    }

    private static int Count(int size, int start, int step) => size <= start ? 0 : (size - start + step - 1) / step;
}
