namespace Ai.Local.Vision.OwnFeatures;

/// <summary>Share of the 256 patterns "which of the eight neighbours is brighter", as its square root (Ojala et al. 1996).</summary>
internal static class BinaryPatterns
{
    public const int Length = 256;

    public static void Describe(ReadOnlySpan<float> grey, int side, Span<float> histogram)
    {
        ReadOnlySpan<int> neighbours = [-side - 1, -side, -side + 1, 1, side + 1, side, side - 1, -1];
        for (int y = 1; y < side - 1; y++)
        {
            for (int x = 1; x < side - 1; x++)
            {
                int at = (y * side) + x;
                int pattern = 0;
                for (int i = 0; i < neighbours.Length; i++)
                {
                    pattern |= grey[at + neighbours[i]] > grey[at] ? 1 << i : 0;
                }

                histogram[pattern]++;
            }
        }

        int count = (side - 2) * (side - 2);
        foreach (ref float share in histogram)
        {
            share = MathF.Sqrt(share / count);
        }
    }
}
