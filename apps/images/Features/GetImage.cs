using Images.Storage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;
using ServiceDefaults;

namespace Images.Features;

/// <summary>
/// <c>GET /api/v1/images/{channel}/{file}</c>: the picture, to its owner. Always streamed through images and never by a redirect to a signed address: that
/// one would be good for everybody who sees it, and would outlive an erasure.
/// </summary>
internal static class GetImage
{
    public static void MapGetImage(this IEndpointRouteBuilder images) => images.MapGet("/{channel}/{file}", HandleAsync).WithName(nameof(GetImage))
        .AnswersBytes("image/jpeg", "image/png").WithAnswerHeader("ETag", "SHA-256 of the picture.").Answers(404, "IMAGE_NOT_FOUND").Answers(503, "STORAGE_UNAVAILABLE");

    /// <summary><c>GET /api/v1/images/{channel}/{file}/thumbnail</c>: a small JPEG of it.</summary>
    public static void MapGetThumbnail(this IEndpointRouteBuilder images) => images.MapGet("/{channel}/{file}/thumbnail", HandleThumbnailAsync).WithName("GetThumbnail")
        .WithSummary("A small JPEG of the picture, to its owner")
        .AnswersBytes("image/jpeg").WithAnswerHeader("ETag", "SHA-256 of the picture, and what it is.").Answers(404, "IMAGE_NOT_FOUND").Answers(503, "STORAGE_UNAVAILABLE");

    private static async Task<Results<FileStreamHttpResult, ProblemHttpResult>> HandleAsync(
        string channel, string file, UserIdentity user, ImageRecords records, IPictureStorage storage, HttpResponse http, CancellationToken cancellationToken) =>
        await FindAsync(channel, file, user, records, cancellationToken) is { } image
            ? await AnswerAsync(image.Key, image.ContentType, image.ETag, storage, http, cancellationToken)
            : NotFound();

    private static async Task<Results<FileStreamHttpResult, ProblemHttpResult>> HandleThumbnailAsync(
        string channel, string file, UserIdentity user, ImageRecords records, IPictureStorage storage, HttpResponse http, CancellationToken cancellationToken) =>
        await FindAsync(channel, file, user, records, cancellationToken) is { HasThumbnail: true } image
            ? await AnswerAsync(ImageKey.Thumbnail(image.Key), "image/jpeg", $"{image.ETag}-thumbnail", storage, http, cancellationToken)
            : NotFound();

    private static async Task<PictureRecord?> FindAsync(string channel, string file, UserIdentity user, ImageRecords records, CancellationToken cancellationToken) =>
        ImageKey.FromPath(channel, file) is { } key && await records.FindFinishedAsync(key, cancellationToken) is { } image && image.Owner == user.Id ? image : null;

    private static async Task<Results<FileStreamHttpResult, ProblemHttpResult>> AnswerAsync(
        string key, string contentType, string etag, IPictureStorage storage, HttpResponse http, CancellationToken cancellationToken)
    {
        try
        {
            if (await storage.OpenReadAsync(key, cancellationToken) is not { } stream)
            {
                return NotFound();
            }

            // Our own pictures only, but the bytes are a user's: no sniffing, no page of ours as their context.
            http.Headers.XContentTypeOptions = "nosniff";
            http.Headers.CacheControl = "private, max-age=86400, immutable";
            return TypedResults.File(stream, contentType, entityTag: new EntityTagHeaderValue($"\"{etag}\""));
        }
        catch (StorageException exception)
        {
            return Problems.Of(503, "STORAGE_UNAVAILABLE", exception.Message);
        }
    }

    private static ProblemHttpResult NotFound() => Problems.Of(404, "IMAGE_NOT_FOUND", "there is no such picture of yours");
}
