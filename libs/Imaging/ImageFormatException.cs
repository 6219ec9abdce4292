namespace Imaging;

/// <summary>
/// The bytes are not a picture that can be decoded: damaged, cut off, or not a picture at all. It and the types derived from it
/// are the only exceptions that the content of a picture can cause. The message is safe to show.
/// </summary>
public class ImageFormatException : Exception
{
    /// <summary>Creates the exception.</summary>
    public ImageFormatException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}

/// <summary>The picture may be sound, but its format or variant is not supported (HTTP: 415).</summary>
public sealed class UnsupportedImageException : ImageFormatException
{
    /// <summary>Creates the exception.</summary>
    public UnsupportedImageException(string message)
        : base(message)
    {
    }
}

/// <summary>The picture exceeds a limit of <see cref="DecodeOptions"/>; nothing was allocated for it (HTTP: 413).</summary>
public sealed class ImageTooLargeException : ImageFormatException
{
    /// <summary>Creates the exception.</summary>
    public ImageTooLargeException(string message)
        : base(message)
    {
    }
}
