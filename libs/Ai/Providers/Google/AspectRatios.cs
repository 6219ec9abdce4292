using System.Drawing;

namespace Ai.Providers.Google;

/// <summary>The models draw in fixed shapes instead of sizes. https://ai.google.dev/gemini-api/docs/image-generation.</summary>
internal static class AspectRatios
{
    private static readonly (int Width, int Height)[] Known = [(1, 1), (2, 3), (3, 2), (3, 4), (4, 3), (4, 5), (5, 4), (9, 16), (16, 9), (21, 9)];

    /// <summary>The shape that needs the least cutting to become the size.</summary>
    public static string Nearest(Size size)
    {
        var wanted = Math.Log((double)size.Width / size.Height);
        var (width, height) = Known.MinBy(known => Math.Abs(Math.Log((double)known.Width / known.Height) - wanted));
        return $"{width}:{height}";
    }
}
