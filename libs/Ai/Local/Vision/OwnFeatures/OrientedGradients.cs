namespace Ai.Local.Vision.OwnFeatures;

/// <summary>
/// How strong edges of nine directions are in each of 8 x 8 cells, relative to the cell and its neighbours (after Dalal and
/// Triggs 2005).
/// </summary>
internal static class OrientedGradients
{
    private const int Cells = 8;
    private const int Directions = 9;

    public const int Length = Cells * Cells * Directions;

    public static void Describe(ReadOnlySpan<float> grey, int side, Span<float> features)
    {
        Span<float> cells = stackalloc float[Length];
        cells.Clear();
        int cellSide = side / Cells;
        for (int y = 1; y < side - 1; y++)
        {
            for (int x = 1; x < side - 1; x++)
            {
                int at = (y * side) + x;
                float dx = grey[at + 1] - grey[at - 1];
                float dy = grey[at + side] - grey[at - side];
                float strength = MathF.Sqrt((dx * dx) + (dy * dy));
                float direction = MathF.Atan2(dy, dx) * (Directions / MathF.PI);
                direction = direction < 0 ? direction + Directions : direction;
                int lower = (int)direction;
                float share = direction - lower;
                int cell = ((y / cellSide * Cells) + (x / cellSide)) * Directions;
                cells[cell + (lower % Directions)] += strength * (1 - share);
                cells[cell + ((lower + 1) % Directions)] += strength * share;
            }
        }

        Normalize(cells, features);
    }

    private static void Normalize(ReadOnlySpan<float> cells, Span<float> features)
    {
        // A flat, noisy cell must not look like one full of edges.
        const float Floor = 200f;
        for (int y = 0; y < Cells; y++)
        {
            for (int x = 0; x < Cells; x++)
            {
                float energy = 0;
                int neighbours = 0;
                for (int ny = Math.Max(0, y - 1); ny <= Math.Min(Cells - 1, y + 1); ny++)
                {
                    for (int nx = Math.Max(0, x - 1); nx <= Math.Min(Cells - 1, x + 1); nx++)
                    {
                        neighbours++;
                        foreach (float value in cells.Slice(((ny * Cells) + nx) * Directions, Directions))
                        {
                            energy += value * value;
                        }
                    }
                }

                float scale = 1 / MathF.Sqrt((energy / neighbours) + (Floor * Floor));
                int cell = ((y * Cells) + x) * Directions;
                for (int i = 0; i < Directions; i++)
                {
                    features[cell + i] = MathF.Sqrt(cells[cell + i] * scale);
                }
            }
        }
    }
}
