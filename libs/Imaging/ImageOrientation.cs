namespace Imaging;

/// <summary>How the stored picture has to be turned to be seen upright: the values of the EXIF tag 0x0112.</summary>
public enum ImageOrientation
{
    /// <summary>As stored.</summary>
    Normal = 1,

    /// <summary>Mirror left and right.</summary>
    MirrorHorizontal = 2,

    /// <summary>Turn by 180 degrees.</summary>
    Rotate180 = 3,

    /// <summary>Mirror top and bottom.</summary>
    MirrorVertical = 4,

    /// <summary>Mirror at the main diagonal: rows become columns.</summary>
    Transpose = 5,

    /// <summary>Turn clockwise by 90 degrees.</summary>
    Rotate90 = 6,

    /// <summary>Mirror at the other diagonal.</summary>
    Transverse = 7,

    /// <summary>Turn clockwise by 270 degrees.</summary>
    Rotate270 = 8,
}

internal static class ImageOrientationExtensions
{
    extension(ImageOrientation orientation)
    {
        /// <summary>Width and height change places.</summary>
        public bool SwapsAxes => orientation >= ImageOrientation.Transpose;
    }
}
