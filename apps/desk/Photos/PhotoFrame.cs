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
    /// <summary>Quality of the JPEG files in which squares are kept.</summary>
    public const int Quality = 90;

    /// <summary>How much shorter than the square a photo's longer side may stay, as a share of it, when that saves decoding more.</summary>
    private const double MaxGap = 1.0 / 16;

    /// <summary>Decodes a photo into a square. Throws <see cref="ImageFormatException"/>.</summary>
    public static (Bitmap Square, PhotoPlace Place) Fit(ReadOnlyMemory<byte> photo, int side, CancellationToken cancellationToken)
    {
        var info = ImageDecoder.Identify(photo.Span);
        var shorter = (int)Math.Ceiling((double)side * Math.Min(info.Width, info.Height) / Math.Max(info.Width, info.Height) * (1 - MaxGap));
        var picture = ImageDecoder.Decode(photo, new DecodeOptions { TargetMinSide = Math.Max(1, shorter) }, cancellationToken);
        var longer = Math.Max(picture.Width, picture.Height);
        var scale = (double)side / longer;
        // A photo of twelve megapixels is a little smaller than the square at its quarter, and stays so: its half takes more than twice the time, and enlarging adds nothing.
        var fitted = longer <= side && longer >= side * (1 - MaxGap)
            ? picture
            : picture.Resize(Math.Max(1, (int)Math.Round(picture.Width * scale)), Math.Max(1, (int)Math.Round(picture.Height * scale)));
        var place = new PhotoPlace((side - fitted.Width) / 2, (side - fitted.Height) / 2, fitted.Width, fitted.Height);
        return (Extend(fitted, side, place), place);
    }

    /// <summary>
    /// The photo alone, cut out of the file of its square, and made smaller on the way as long as its shorter side keeps <paramref name="minSide"/> pixels. Throws
    /// <see cref="ImageFormatException"/>.
    /// </summary>
    public static Bitmap Cut(ReadOnlyMemory<byte> square, PhotoPlace place, int minSide, CancellationToken cancellationToken)
    {
        var side = ImageDecoder.Identify(square.Span).Width;
        var shorter = Math.Min(place.Width, place.Height);
        var target = (((long)minSide * side) + shorter - 1) / shorter;
        var picture = ImageDecoder.Decode(square, new DecodeOptions { TargetMinSide = (int)Math.Min(side, target) }, cancellationToken);
        // Pixels that show some of the border beside the photo are left out.
        var step = side / picture.Width;
        var (left, top) = ((place.Left + step - 1) / step, (place.Top + step - 1) / step);
        return Cut(picture, new PhotoPlace(left, top, Math.Max(1, ((place.Left + place.Width) / step) - left), Math.Max(1, ((place.Top + place.Height) / step) - top)));
    }

    private static Bitmap Cut(Bitmap square, PhotoPlace place)
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
