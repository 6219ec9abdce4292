using System.ComponentModel.DataAnnotations;
using System.Security.Cryptography;
using Images.Storage;
using Imaging;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Images.Features;

/// <summary>
/// <c>POST /api/v1/images/{channel}/callback</c>: finishes an upload. The file is read again and must have the announced etag and be
/// a picture within the limits of size and shape. Idempotent by the key: a repetition with the same etag gives the same answer.
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
        images.MapPost("/{channel}/callback", HandleAsync).WithName(nameof(FinishUpload));

    private static async Task<Results<Ok<Response>, ProblemHttpResult>> HandleAsync(
        string channel, Request request, UserIdentity user, ImageRecords records, ObjectFiles files, IOptions<ImagesOptions> options,
        CancellationToken cancellationToken)
    {
        var key = request.Key!;
        var parts = key.Split('/');
        if (parts.Length != 2 || ImageKey.FromPath(parts[0], parts[1]) is null || await records.FindTicketAsync(key, cancellationToken) is not { } ticket)
        {
            return Problems.Of(404, "UPLOAD_NOT_FOUND", "there is no such upload, or its ticket has expired");
        }

        if (ticket.UploaderId != user.Id)
        {
            return Problems.Of(403, "UPLOADER_MISMATCH", "the ticket belongs to another user");
        }

        if (ticket.Channel != channel)
        {
            return Problems.Of(400, "CHANNEL_MISMATCH", $"the ticket is for channel {ticket.Channel}");
        }

        var image = await records.FindAsync(key, cancellationToken);
        if (image is null)
        {
            if (await files.ReadAsync(key, cancellationToken) is not { } bytes)
            {
                return Problems.Of(409, "UPLOAD_MISSING", "nothing was uploaded yet");
            }

            if (Refusal(bytes, options.Value) is { } refusal)
            {
                return refusal;
            }

            image = new Contracts.Images.ImageInfo(key, user.Id, ticket.ContentType, bytes.Length, Convert.ToHexStringLower(SHA256.HashData(bytes)));
        }

        if (request.Etag!.Trim('"') != image.ETag || request.ContentLength is { } length && length != image.Length)
        {
            return Problems.Of(409, "UPLOAD_MISMATCH", "etag or content_length is not what was uploaded");
        }

        image = await records.FinishAsync(image, cancellationToken);
        return TypedResults.Ok(new Response(
            key, channel, options.Value.CdnUrl(key), image.Owner, ticket.Metadata, image.ETag, image.ContentType));
    }

    /// <summary>The problem of a file that is no picture, or one that nobody here would decode; null when it is fine.</summary>
    internal static ProblemHttpResult? Refusal(byte[] bytes, ImagesOptions options)
    {
        try
        {
            ImageDecoder.Identify(bytes, new DecodeOptions { MaxPixels = options.MaxPixels, MaxSide = options.MaxSide });
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
