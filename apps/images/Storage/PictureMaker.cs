using System.IO.Compression;
using System.Security.Cryptography;
using Imaging;
using Microsoft.Extensions.Options;

namespace Images.Storage;

/// <summary>A picture made from an upload.</summary>
/// <param name="Content">The file.</param>
/// <param name="Thumbnail">A small JPEG of it.</param>
/// <param name="ContentType">The upload's type.</param>
/// <param name="Width">Pixels per row.</param>
/// <param name="Height">Rows.</param>
internal sealed record MadePicture(byte[] Content, byte[] Thumbnail, string ContentType, int Width, int Height)
{
    /// <summary>SHA-256 of the file, lower-case hex.</summary>
    public string ETag { get; } = Convert.ToHexStringLower(SHA256.HashData(Content));
}

/// <summary>
/// Makes pictures of uploads: decodes them within the limits, turns them upright and encodes them anew. So nothing but pixels gets through: no EXIF with its
/// place and camera, no tail behind the picture, no file that is two things at once. A few at a time, which bounds memory and processors.
/// </summary>
internal sealed class PictureMaker(IOptions<ImagesOptions> options) : IDisposable
{
    private const int ThumbnailQuality = 80;
    private readonly SemaphoreSlim _gate = new(options.Value.MaxDecodes);

    public void Dispose() => _gate.Dispose();

    /// <summary>Reads an upload and makes the picture. The same upload makes the same picture.</summary>
    /// <exception cref="UploadException">It is no picture of the given type, or too large, or its SHA-256 is another.</exception>
    public async Task<MadePicture> MakeAsync(UploadedFile upload, string contentType, string sha256, CancellationToken cancellationToken)
    {
        var settings = options.Value;
        if (upload.Length > settings.MaxUploadBytes)
        {
            throw new UploadException(413, "IMAGE_TOO_LARGE", $"a picture has at most {settings.MaxUploadBytes} bytes");
        }

        await _gate.WaitAsync(cancellationToken);
        try
        {
            var file = new byte[upload.Length];
            var length = await upload.Content.ReadAtLeastAsync(file, file.Length, throwOnEndOfStream: false, cancellationToken);
            if (length < file.Length || upload.ContentType is { } type && type != contentType || Convert.ToHexStringLower(SHA256.HashData(file)) != sha256)
            {
                throw UploadException.Mismatch();
            }

            return await Task.Run(() => Make(file, contentType, settings, cancellationToken), cancellationToken);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>The same of bytes that are known.</summary>
    internal static MadePicture Make(byte[] file, string contentType, ImagesOptions settings, CancellationToken cancellationToken)
    {
        var limits = PictureRules.Limits(settings);
        try
        {
            var info = ImageDecoder.Identify(file, limits);
            if (info.MediaType != contentType)
            {
                throw new UploadException(415, "UNSUPPORTED_IMAGE", $"the file is {info.MediaType}, the ticket is for {contentType}");
            }

            var picture = ImageDecoder.Decode(file, limits, cancellationToken);
            var content = info.Format == ImageFormat.Png ? PngEncoder.Encode(picture, CompressionLevel.Optimal) : JpegEncoder.Encode(picture, settings.JpegQuality);
            return new MadePicture(content, JpegEncoder.Encode(Small(picture, settings.ThumbnailSide), ThumbnailQuality), contentType, picture.Width, picture.Height);
        }
        catch (ImageFormatException exception)
        {
            throw PictureRules.Refused(exception);
        }
    }

    private static Bitmap Small(Bitmap picture, int side)
    {
        var longest = Math.Max(picture.Width, picture.Height);
        return longest <= side ? picture
            : picture.Resize(Math.Max(1, (int)((long)picture.Width * side / longest)), Math.Max(1, (int)((long)picture.Height * side / longest)));
    }
}
