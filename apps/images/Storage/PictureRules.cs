using Imaging;
using Microsoft.AspNetCore.Http.HttpResults;
using ServiceDefaults;

namespace Images.Storage;

/// <summary>Which files are pictures of ours.</summary>
internal static class PictureRules
{
    /// <summary>What is decoded.</summary>
    public static DecodeOptions Limits(ImagesOptions options) => new()
    {
        MaxPixels = options.MaxPixels,
        MaxSide = options.MaxSide,
        MaxBytes = (int)options.MaxUploadBytes,
        // A progressive JPEG needs about 3 bytes per pixel beside the pixels: whatever may be uploaded can be decoded.
        MaxWorkingBytes = Math.Max(DecodeOptions.Default.MaxWorkingBytes, 4 * options.MaxPixels),
    };

    /// <summary>The problem of a file whose header says that it is no picture, or one that nobody here would decode; null when it is fine.</summary>
    public static ProblemHttpResult? Refusal(ReadOnlySpan<byte> file, ImagesOptions options) => Refusal(file, options, out _);

    /// <summary>The same, with what the header of a fine picture says.</summary>
    public static ProblemHttpResult? Refusal(ReadOnlySpan<byte> file, ImagesOptions options, out ImageInfo info)
    {
        info = default;
        try
        {
            info = ImageDecoder.Identify(file, Limits(options));
            return null;
        }
        catch (ImageFormatException exception)
        {
            var refused = Refused(exception);
            return Problems.Of(refused.Status, refused.Code, refused.Message);
        }
    }

    /// <summary>How a file is refused that the decoder refused.</summary>
    public static UploadException Refused(ImageFormatException exception) =>
        exception is ImageTooLargeException ? new(413, "IMAGE_TOO_LARGE", exception.Message) : new(415, "UNSUPPORTED_IMAGE", exception.Message);
}
