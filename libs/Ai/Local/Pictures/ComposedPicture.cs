using Ai.Local.Text;
using Imaging;

namespace Ai.Local.Pictures;

/// <summary>
/// A picture without an image model: a ground of two colours and some soft discs, all chosen by the words of the prompt, and the reference pictures placed on
/// it. It shows nothing that the prompt describes and does not pretend to. The same request gives the same picture.
/// </summary>
internal static class ComposedPicture
{
    private const double Margin = 0.12;
    private const double Frame = 0.015;

    /// <summary>Composes a picture.</summary>
    /// <param name="prompt">Its words choose colours and shapes.</param>
    /// <param name="references">Pictures to place, from left to right.</param>
    /// <param name="width">Pixels.</param>
    /// <param name="height">Pixels.</param>
    /// <param name="index">Which of several pictures for the same prompt.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    public static Bitmap Compose(
        string prompt, IReadOnlyList<Bitmap> references, int width, int height, int index, CancellationToken cancellationToken)
    {
        var random = new Sequence(Grams.Hash($"{index}\n{prompt.Trim()}"));
        var picture = new Bitmap(width, height);
        var hue = random.Next();
        Ground(picture, Colour.Of(hue, 0.45, 0.88), Colour.Of(hue + 0.08 + (random.Next() * 0.12), 0.55, 0.55));
        for (var discs = 5 + (int)(random.Next() * 5); discs > 0; discs--)
        {
            cancellationToken.ThrowIfCancellationRequested();
            // Near the ground's hue or opposite to it: two families of colours, whatever the prompt.
            var colour = Colour.Of(hue + (random.Next() < 0.5 ? 0 : 0.5) + (random.Next() * 0.1), 0.6, 0.45 + (random.Next() * 0.4));
            Disc(
                picture, random.Next() * width, random.Next() * height, (0.06 + (random.Next() * 0.2)) * Math.Min(width, height), colour,
                alpha: 0.25 + (random.Next() * 0.4));
        }

        Place(picture, references, cancellationToken);
        return picture;
    }

    private static void Ground(Bitmap picture, Colour top, Colour bottom)
    {
        for (var y = 0; y < picture.Height; y++)
        {
            var (r, g, b) = top.Mixed(bottom, (double)y / picture.Height);
            var row = picture.Row(y);
            for (var at = 0; at < row.Length; at += Bitmap.Channels)
            {
                (row[at], row[at + 1], row[at + 2]) = (r, g, b);
            }
        }
    }

    private static void Disc(Bitmap picture, double centreX, double centreY, double radius, Colour colour, double alpha)
    {
        for (var y = Math.Max(0, (int)(centreY - radius)); y < Math.Min(picture.Height, centreY + radius + 1); y++)
        {
            var row = picture.Row(y);
            for (var x = Math.Max(0, (int)(centreX - radius)); x < Math.Min(picture.Width, centreX + radius + 1); x++)
            {
                // One pixel of its edge is mixed in by its share.
                var cover = Math.Clamp(radius - Math.Sqrt(((x - centreX) * (x - centreX)) + ((y - centreY) * (y - centreY))), 0, 1) * alpha;
                if (cover > 0)
                {
                    var at = x * Bitmap.Channels;
                    (row[at], row[at + 1], row[at + 2]) = new Colour(row[at], row[at + 1], row[at + 2]).Mixed(colour, cover);
                }
            }
        }
    }

    /// <summary>The pictures in one row in the middle, each whole and in its own proportions, with a white frame.</summary>
    private static void Place(Bitmap picture, IReadOnlyList<Bitmap> references, CancellationToken cancellationToken)
    {
        double cellWidth = picture.Width * (1 - Margin) / Math.Max(1, references.Count), cellHeight = picture.Height * (1 - Margin);
        for (var i = 0; i < references.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var reference = references[i];
            var scale = Math.Min(cellWidth * (1 - Margin) / reference.Width, cellHeight * (1 - Margin) / reference.Height);
            var placed = reference.Resize(Math.Max(1, (int)(reference.Width * scale)), Math.Max(1, (int)(reference.Height * scale)));
            var left = (int)((picture.Width * Margin / 2) + ((i + 0.5) * cellWidth) - (placed.Width / 2.0));
            var top = (picture.Height - placed.Height) / 2;
            var frame = Math.Max(1, (int)(Math.Min(picture.Width, picture.Height) * Frame));
            for (var y = Math.Max(0, top - frame); y < Math.Min(picture.Height, top + placed.Height + frame); y++)
            {
                var first = Math.Max(0, left - frame);
                var last = Math.Min(picture.Width, left + placed.Width + frame);
                picture.Row(y)[(first * Bitmap.Channels)..(last * Bitmap.Channels)].Fill(byte.MaxValue);
                if (y >= top && y < top + placed.Height)
                {
                    placed.Row(y - top).CopyTo(picture.Row(y)[(left * Bitmap.Channels)..]);
                }
            }
        }
    }

    private readonly record struct Colour(byte R, byte G, byte B)
    {
        public static Colour Of(double hue, double saturation, double lightness)
        {
            var reach = saturation * Math.Min(lightness, 1 - lightness);
            byte Part(double offset)
            {
                var at = (offset + (hue * 12)) % 12;
                return (byte)(255 * (lightness - (reach * Math.Max(-1, Math.Min(Math.Min(at - 3, 9 - at), 1)))));
            }

            return new Colour(Part(0), Part(8), Part(4));
        }

        public Colour Mixed(Colour other, double share) => new(
            (byte)(R + ((other.R - R) * share)), (byte)(G + ((other.G - G) * share)), (byte)(B + ((other.B - B) * share)));
    }

    /// <summary>Numbers from 0 to 1 that follow from a seed (SplitMix64): the same everywhere, which <see cref="Random"/> does not promise.</summary>
    private sealed class Sequence(ulong seed)
    {
        private ulong _state = seed;

        public double Next()
        {
            _state += 0x9E3779B97F4A7C15;
            var mixed = (_state ^ (_state >> 30)) * 0xBF58476D1CE4E5B9;
            mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
            return ((mixed ^ (mixed >> 31)) >> 11) * (1.0 / (1UL << 53));
        }
    }
}
