using Imaging;
using Microsoft.AspNetCore.Http.HttpResults;
using ServiceDefaults;

namespace Images.Storage;

/// <summary>Which files are pictures of ours.</summary>
internal static class PictureRules
{
    /// <summary>The problem of a file that is no picture, or one that nobody here would decode; null when it is fine.</summary>
    public static ProblemHttpResult? Refusal(ReadOnlySpan<byte> file, ImagesOptions options) => Refusal(file, options, out _);

    /// <summary>The same, with what the header of a fine picture says.</summary>
    public static ProblemHttpResult? Refusal(ReadOnlySpan<byte> file, ImagesOptions options, out ImageInfo info)
    {
        info = default;
        try
        {
            info = ImageDecoder.Identify(file, new DecodeOptions { MaxPixels = options.MaxPixels, MaxSide = options.MaxSide });
            return null;
        }
        catch (ImageTooLargeException exception)
        {
            return Problems.Of(413, "IMAGE_TOO_LARGE", exception.Message);
        }
        catch (ImageFormatException exception)
        {
            return Problems.Of(415, "UNSUPPORTED_IMAGE", exception.Message);
        }
    }
}
