using System.Numerics;
using Imaging;

namespace RenderSamples;

/// <summary>A picture that is painted shape by shape. Coordinates are pixels; colours are red, green, blue from 0 to 1.</summary>
internal sealed class Canvas(int width, int height)
{
    // Points per pixel and axis that are asked whether they are inside: smooth edges.
    private const int Samples = 3;

    private readonly Bitmap _bitmap = new(width, height);

    public Bitmap Bitmap => _bitmap;

    /// <summary>Paints where <paramref name="isInside"/> holds.</summary>
    public void Fill(Func<float, float, bool> isInside, Func<float, float, Vector3> colour, float opacity = 1)
    {
        for (var y = 0; y < _bitmap.Height; y++)
        {
            var row = _bitmap.Row(y);
            for (var x = 0; x < _bitmap.Width; x++)
            {
                var share = Coverage(isInside, x, y) * opacity;
                if (share > 0)
                {
                    var pixel = row.Slice(x * Bitmap.Channels, Bitmap.Channels);
                    var old = new Vector3(pixel[0], pixel[1], pixel[2]) / 255;
                    var mixed = Vector3.Clamp(Vector3.Lerp(old, colour(x, y), share), Vector3.Zero, Vector3.One) * 255;
                    (pixel[0], pixel[1], pixel[2]) = ((byte)mixed.X, (byte)mixed.Y, (byte)mixed.Z);
                }
            }
        }
    }

    /// <summary>A rectangle with round corners.</summary>
    public static Func<float, float, bool> Box(float left, float top, float right, float bottom, float radius) => (x, y) =>
    {
        var dx = MathF.Max(MathF.Max(left + radius - x, x - (right - radius)), 0);
        var dy = MathF.Max(MathF.Max(top + radius - y, y - (bottom - radius)), 0);
        return (dx * dx) + (dy * dy) <= radius * radius;
    };

    public static Func<float, float, bool> Ellipse(float centreX, float centreY, float radiusX, float radiusY) => (x, y) =>
    {
        var (dx, dy) = ((x - centreX) / radiusX, (y - centreY) / radiusY);
        return (dx * dx) + (dy * dy) <= 1;
    };

    private static float Coverage(Func<float, float, bool> isInside, int x, int y)
    {
        var inside = 0;
        for (var sample = 0; sample < Samples * Samples; sample++)
        {
            var (down, right) = Math.DivRem(sample, Samples);
            if (isInside(x + ((right + 0.5f) / Samples), y + ((down + 0.5f) / Samples)))
            {
                inside++;
            }
        }

        return inside / (float)(Samples * Samples);
    }
}
