using Microsoft.Extensions.Options;

namespace Images.Storage;

/// <summary>The objects of a key: what was uploaded, the picture, its thumbnail.</summary>
internal sealed class PictureFiles(IPictureStorage storage, ObjectStore objects, IOptions<ImagesOptions> options)
{
    /// <summary>Writes picture and thumbnail, the same bytes however often. By component <c>objects</c>, or streamed when too large for a message.</summary>
    /// <exception cref="StorageException">The store does not take them.</exception>
    public async Task WriteAsync(string key, MadePicture picture, CancellationToken cancellationToken)
    {
        await WriteAsync(key, picture.ContentType, picture.Content, cancellationToken);
        await WriteAsync(ImageKey.Thumbnail(key), "image/jpeg", picture.Thumbnail, cancellationToken);
    }

    /// <summary>Deletes all of it. May be repeated.</summary>
    /// <exception cref="StorageException">The store does not delete them.</exception>
    public async Task DeleteAsync(string key, CancellationToken cancellationToken)
    {
        await storage.DeleteUploadsAsync(key, cancellationToken);
        await storage.DeleteAsync(key, cancellationToken);
        await storage.DeleteAsync(ImageKey.Thumbnail(key), cancellationToken);
    }

    private Task WriteAsync(string key, string contentType, byte[] content, CancellationToken cancellationToken) =>
        content.Length <= options.Value.MaxServerUploadBytes
            ? objects.WriteAsync(key, contentType, content, cancellationToken)
            : storage.WriteAsync(key, contentType, content, cancellationToken);
}
