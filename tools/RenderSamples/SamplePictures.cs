using System.Numerics;
using Imaging;

namespace RenderSamples;

/// <summary>Plain drawings of things that people throw away, and of a desk.</summary>
public static class SamplePictures
{
    private const int Side = 480;

    private static readonly Vector3 Backdrop = new(0.86f, 0.85f, 0.83f);

    /// <summary>File name without ending, and picture.</summary>
    public static IReadOnlyList<(string Name, Bitmap Picture)> All => [("bottle", Bottle()), ("can", Can()), ("paper", Paper()), ("desk", Desk())];

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

    /// <summary>A desk with a screen, a keyboard, a mouse and a mug.</summary>
    public static Bitmap Desk()
    {
        var canvas = new Canvas(Side, Side);
        canvas.Fill((_, y) => y < 270, (x, y) => new Vector3(0.84f, 0.83f, 0.8f) * (1.06f - (0.12f * (x / Side)) - (0.1f * (y / Side))));
        canvas.Fill((_, y) => y >= 270, (x, y) => new Vector3(0.62f, 0.45f, 0.3f) * (0.8f + (0.25f * (y / Side)) + (0.03f * MathF.Sin((y * 0.9f) + MathF.Sin(x / 60)))));
        canvas.Fill(Canvas.Ellipse(240, 300, 96, 14), (_, _) => Vector3.Zero, 0.35f);
        canvas.Fill(Canvas.Box(216, 222, 264, 296, 2), (x, _) => new Vector3(0.62f) * (1.2f - (MathF.Abs(x - 232) / 50)));
        canvas.Fill(Canvas.Ellipse(240, 294, 78, 10), (_, y) => new Vector3(0.6f + ((294 - y) / 80)));
        canvas.Fill(Canvas.Box(86, 36, 394, 232, 8), (_, _) => new Vector3(0.09f, 0.09f, 0.1f));
        canvas.Fill(Canvas.Box(96, 46, 384, 218, 1), (x, y) => new Vector3(0.25f, 0.5f, 0.75f) + (new Vector3(0.35f, 0.2f, 0.05f) * ((x + y) / 640)));
        canvas.Fill(Canvas.Box(116, 64, 276, 190, 3), (_, y) => y < 76 ? new Vector3(0.75f) : new Vector3(0.97f));
        for (var line = 0; line < 9; line++)
        {
            canvas.Fill(Canvas.Box(126, 86 + (line * 11), line % 3 == 2 ? 190 : 262, 90 + (line * 11), 1), (_, _) => new Vector3(0.45f));
        }

        canvas.Fill(Canvas.Box(96, 336, 344, 424, 8), (_, _) => Vector3.Zero, 0.3f);
        canvas.Fill(Canvas.Box(92, 330, 340, 416, 8), (_, y) => new Vector3(0.2f + ((416 - y) / 900)));
        for (var row = 0; row < 5; row++)
        {
            for (var key = 0; key < 15; key++)
            {
                var (left, top) = (98 + (key * 16), 336 + (row * 15));
                if (row < 4 || key is < 4 or > 9)
                {
                    canvas.Fill(Canvas.Box(left, top, left + 13, top + 12, 2), (_, y) => new Vector3(0.07f + ((top + 12 - y) / 120)));
                }
            }
        }

        canvas.Fill(Canvas.Box(162, 396, 255, 408, 2), (_, y) => new Vector3(0.07f + ((408 - y) / 120)));
        canvas.Fill(Canvas.Ellipse(387, 386, 24, 36), (_, _) => Vector3.Zero, 0.3f);
        canvas.Fill(Canvas.Ellipse(383, 380, 23, 35), (x, y) => new Vector3(0.17f) * (1.6f - (((x - 360) + (y - 345)) / 130)));
        canvas.Fill(Canvas.Box(382, 348, 385, 376, 1), (_, _) => Vector3.Zero);
        canvas.Fill((x, y) => MathF.Abs(Vector2.Distance(new Vector2(x, y), new Vector2(462, 280)) - 14) < 4, (_, _) => new Vector3(0.85f));
        canvas.Fill(Canvas.Box(414, 246, 462, 316, 8), Round(438, 24, new Vector3(0.92f)));
        canvas.Fill(Canvas.Ellipse(438, 250, 21, 5), (_, _) => new Vector3(0.25f, 0.15f, 0.1f));
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
