namespace Imaging;

/// <summary>What the header of a picture says; no pixel has been decoded.</summary>
/// <param name="Format">Told by the first bytes, never by a file name.</param>
/// <param name="Width">Pixels per row as stored.</param>
/// <param name="Height">Rows as stored.</param>
/// <param name="Orientation">How to turn the stored picture; <see cref="ImageOrientation.Normal"/> when the file does not say.</param>
public readonly record struct ImageInfo(ImageFormat Format, int Width, int Height, ImageOrientation Orientation)
{
    /// <summary><c>image/jpeg</c> or <c>image/png</c>.</summary>
    public string MediaType => Format == ImageFormat.Png ? "image/png" : "image/jpeg";

    /// <summary>Pixels per row after the orientation was applied.</summary>
    public int UprightWidth => Orientation.SwapsAxes ? Height : Width;

    /// <summary>Rows after the orientation was applied.</summary>
    public int UprightHeight => Orientation.SwapsAxes ? Width : Height;
}
