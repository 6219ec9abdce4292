using System.ComponentModel.DataAnnotations;
using Images.Storage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Images.Features;

/// <summary>
/// <c>POST /api/v1/images/{channel}/callback</c>: finishes an upload. The upload with the announced etag must be a picture within the
/// limits of size and shape. Idempotent by the key: a repetition with the same etag gives the same answer, after the ticket's end
/// without its metadata.
/// </summary>
internal static class FinishUpload
{
    public sealed record Request(
        [Required, StringLength(512, MinimumLength = 3)] string? Key,
        [Required, StringLength(128, MinimumLength = 1)] string? Etag,
        long? ContentLength = null);

    public sealed record Response(
        string Key, string Channel, Uri CdnUrl, string UploaderId, IReadOnlyDictionary<string, string>? Metadata, string Etag, string ContentType);

    public static void MapFinishUpload(this IEndpointRouteBuilder images) =>
        images.MapPost("/{channel}/callback", HandleAsync).WithName(nameof(FinishUpload))
            .Answers(400, "CHANNEL_MISMATCH").Answers(403, "UPLOADER_MISMATCH").Answers(404, "UPLOAD_NOT_FOUND").Answers(409, "UPLOAD_MISSING", "UPLOAD_MISMATCH")
            .Answers(413, "IMAGE_TOO_LARGE").Answers(415, "UNSUPPORTED_IMAGE");

    private static async Task<Results<Ok<Response>, ProblemHttpResult>> HandleAsync(
        string channel, Request request, UserIdentity user, ImageRecords records, ObjectFiles files, IOptions<ImagesOptions> options,
        CancellationToken cancellationToken)
    {
        var key = request.Key!;
        if (key.Split('/') is not [var keyChannel, var file] || ImageKey.FromPath(keyChannel, file) is null)
        {
            return NotFound();
        }

        var ticket = await records.FindTicketAsync(key, cancellationToken);
        var image = await records.FindAsync(key, cancellationToken);
        if ((image?.Owner ?? ticket?.UploaderId) is not { } owner)
        {
            return NotFound();
        }

        if (owner != user.Id)
        {
            return Problems.Of(403, "UPLOADER_MISMATCH", "the ticket belongs to another user");
        }

        if (keyChannel != channel)
        {
            return Problems.Of(400, "CHANNEL_MISMATCH", $"the ticket is for channel {keyChannel}");
        }

        // The record decides which upload is the picture; its file follows, also when a crash came between the two.
        var etag = ImageKey.Sha256(request.Etag!);
        if (image is null)
        {
            if (etag is null || await files.ReadUploadAsync(key, etag, cancellationToken) is not { } bytes)
            {
                return files.HasUploads(key) ? Mismatch() : Problems.Of(409, "UPLOAD_MISSING", "nothing was uploaded yet");
            }

            if (PictureRules.Refusal(bytes, options.Value) is { } refusal)
            {
                return refusal;
            }

            if (request.ContentLength is { } announced && announced != bytes.Length)
            {
                return Mismatch();
            }

            image = await records.FinishAsync(new(key, user.Id, ticket!.ContentType, bytes.Length, etag), cancellationToken);
        }

        if (image.ETag != etag || request.ContentLength is { } length && length != image.Length)
        {
            return Mismatch();
        }

        var isThere = files.Finish(key, etag);
        if (!await records.CloseAsync(user.Id, key, cancellationToken))
        {
            // The erasure may have passed this key before the picture was there.
            await records.DeleteAsync(key, cancellationToken);
            files.Delete(key);
            return NotFound();
        }

        if (!isThere)
        {
            return Problems.Of(409, "UPLOAD_MISSING", "the upload is gone");
        }

        return TypedResults.Ok(new Response(
            key, channel, options.Value.CdnUrl(key), image.Owner, ticket?.Metadata, image.ETag, image.ContentType));
    }

    private static ProblemHttpResult NotFound() => Problems.Of(404, "UPLOAD_NOT_FOUND", "there is no such upload, or its ticket has expired");

    private static ProblemHttpResult Mismatch() => Problems.Of(409, "UPLOAD_MISMATCH", "etag or content_length is not what was uploaded");
}
