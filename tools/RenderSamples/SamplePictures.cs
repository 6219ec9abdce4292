using System.Numerics;
using Imaging;

namespace RenderSamples;

/// <summary>Plain drawings of things that people throw away.</summary>
public static class SamplePictures
{
    private const int Side = 480;

    private static readonly Vector3 Backdrop = new(0.86f, 0.85f, 0.83f);

    /// <summary>File name without ending, and picture.</summary>
    public static IReadOnlyList<(string Name, Bitmap Picture)> All => [("bottle", Bottle()), ("can", Can()), ("paper", Paper())];

    /// <summary>A clear PET bottle with a blue cap and a label.</summary>
    public static Bitmap Bottle()
    {
        var canvas = Table();
        canvas.Fill(Canvas.Ellipse(250, 434, 92, 14), (_, _) => new Vector3(0.45f), 0.35f);
        var water = Round(240, 78, new Vector3(0.72f, 0.86f, 0.93f));
        canvas.Fill(Canvas.Box(162, 150, 318, 436, 34), water, 0.9f);
        canvas.Fill((x, y) => y is >= 92 and <= 172 && MathF.Abs(x - 240) <= 26 + (52 * MathF.Pow(MathF.Max(y - 100, 0) / 72, 2)), water, 0.9f);
        canvas.Fill(Canvas.Box(210, 52, 270, 98, 8), Round(240, 30, new Vector3(0.1f, 0.35f, 0.75f)));
        canvas.Fill(Canvas.Box(162, 236, 318, 330, 2), Round(240, 78, new Vector3(0.2f, 0.6f, 0.85f)));
        for (var rib = 0; rib < 4; rib++)
        {
            canvas.Fill(Canvas.Box(168, 348 + (rib * 20), 312, 352 + (rib * 20), 2), (_, _) => Vector3.One, 0.5f);
        }

        canvas.Fill(Canvas.Box(182, 176, 194, 412, 6), (_, _) => Vector3.One, 0.55f);
        return canvas.Bitmap;
    }

    /// <summary>A drink can.</summary>
    public static Bitmap Can()
    {
        var canvas = Table();
        canvas.Fill(Canvas.Ellipse(252, 418, 104, 16), (_, _) => new Vector3(0.45f), 0.35f);
        canvas.Fill(Canvas.Box(146, 92, 334, 424, 26), Round(240, 94, new Vector3(0.74f, 0.75f, 0.77f)));
        canvas.Fill(Canvas.Box(146, 128, 334, 388, 2), Round(240, 94, new Vector3(0.82f, 0.12f, 0.14f)));
        canvas.Fill((x, y) => x is > 146 and < 334 && MathF.Abs(y - 258 - (28 * MathF.Sin(x / 30))) < 16, Round(240, 94, new Vector3(0.95f)));
        canvas.Fill(Canvas.Ellipse(240, 98, 86, 18), (x, _) => new Vector3(0.62f + (0.2f * MathF.Sin(x / 26))));
        canvas.Fill(Canvas.Ellipse(240, 96, 74, 13), (_, _) => new Vector3(0.78f, 0.79f, 0.81f));
        canvas.Fill(Canvas.Ellipse(254, 97, 24, 6), (_, _) => new Vector3(0.5f));
        return canvas.Bitmap;
    }

    /// <summary>A written sheet of paper, lying slightly turned.</summary>
    public static Bitmap Paper()
    {
        var canvas = Table(new Vector3(0.55f, 0.42f, 0.31f));
        canvas.Fill(Turned(Canvas.Box(120, 70, 380, 430, 2)), (_, _) => Vector3.Zero, 0.3f);
        canvas.Fill(Turned(Canvas.Box(110, 62, 370, 422, 2)), (x, y) => new Vector3(0.97f, 0.97f, 0.95f) - new Vector3((x + y) / 12_000));
        for (var line = 0; line < 13; line++)
        {
            var top = 104 + (line * 22);
            canvas.Fill(Turned(Canvas.Box(140, top, line % 5 == 4 ? 252 : 340, top + 5, 2)), (_, _) => new Vector3(0.35f, 0.35f, 0.4f));
        }

        return canvas.Bitmap;
    }

    private static Canvas Table(Vector3? colour = null)
    {
        var canvas = new Canvas(Side, Side);
        canvas.Fill((_, _) => true, (x, y) => (colour ?? Backdrop) * (1.05f - (0.15f * ((y / Side) + (MathF.Abs(x - (Side / 2)) / Side)))));
        return canvas;
    }

    /// <summary>Light from the left on something round.</summary>
    private static Func<float, float, Vector3> Round(float centre, float radius, Vector3 colour) =>
        (x, _) => colour * (1.08f - (0.45f * MathF.Pow(MathF.Abs(x - centre + (radius / 3)) / (radius * 1.33f), 2)));

    private static Func<float, float, bool> Turned(Func<float, float, bool> shape)
    {
        var (sin, cos) = MathF.SinCos(0.12f);
        return (x, y) => shape(240 + ((x - 240) * cos) - ((y - 240) * sin), 240 + ((x - 240) * sin) + ((y - 240) * cos));
    }
}
