using Imaging;

namespace Desk.Photos;

/// <summary>Where a photo lies in its square.</summary>
/// <param name="Left">Pixels from the left.</param>
/// <param name="Top">Pixels from the top.</param>
/// <param name="Width">Its own pixels per row.</param>
/// <param name="Height">Its own rows.</param>
public sealed record PhotoPlace(int Left, int Top, int Width, int Height);

/// <summary>
/// Photos as models take them: upright, without what a camera writes into its files, whole and in their own proportions within a square. The rest of the square
/// continues their edges, so that a model sees no frame that it would draw again.
/// </summary>
public static class PhotoFrame
{
    /// <summary>How much a side may be enlarged, as a share of it, when that saves decoding more.</summary>
    private const double MaxEnlargement = 1.0 / 16;

    /// <summary>Decodes a photo into a square. Throws <see cref="ImageFormatException"/>.</summary>
    public static (Bitmap Square, PhotoPlace Place) Fit(ReadOnlyMemory<byte> photo, int side, CancellationToken cancellationToken)
    {
        var info = ImageDecoder.Identify(photo.Span);
        // No side much smaller than it will be: nobody sees a photo of twelve megapixels made a little larger from its quarter, and its half takes more than twice the time.
        var shorter = (int)Math.Ceiling((double)side * Math.Min(info.Width, info.Height) / Math.Max(info.Width, info.Height) * (1 - MaxEnlargement));
        var picture = ImageDecoder.Decode(photo, new DecodeOptions { TargetMinSide = Math.Max(1, shorter) }, cancellationToken);
        var scale = (double)side / Math.Max(picture.Width, picture.Height);
        var fitted = picture.Resize(Math.Max(1, (int)Math.Round(picture.Width * scale)), Math.Max(1, (int)Math.Round(picture.Height * scale)));
        var place = new PhotoPlace((side - fitted.Width) / 2, (side - fitted.Height) / 2, fitted.Width, fitted.Height);
        return (Extend(fitted, side, place), place);
    }

    /// <summary>The photo alone, cut out of its square.</summary>
    public static Bitmap Cut(Bitmap square, PhotoPlace place)
    {
        var photo = new Bitmap(place.Width, place.Height);
        for (var y = 0; y < place.Height; y++)
        {
            square.Row(place.Top + y).Slice(place.Left * Bitmap.Channels, photo.Stride).CopyTo(photo.Row(y));
        }

        return photo;
    }

    private static Bitmap Extend(Bitmap photo, int side, PhotoPlace place)
    {
        var square = new Bitmap(side, side);
        for (var y = 0; y < side; y++)
        {
            var from = photo.Row(Math.Clamp(y - place.Top, 0, photo.Height - 1));
            var to = square.Row(y);
            from.CopyTo(to[(place.Left * Bitmap.Channels)..]);
            for (var x = 0; x < place.Left; x++)
            {
                from[..Bitmap.Channels].CopyTo(to[(x * Bitmap.Channels)..]);
            }

            for (var x = place.Left + photo.Width; x < side; x++)
            {
                from[^Bitmap.Channels..].CopyTo(to[(x * Bitmap.Channels)..]);
            }
        }

        return square;
    }
}
