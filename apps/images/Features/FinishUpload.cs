using System.ComponentModel.DataAnnotations;
using Images.Storage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Images.Features;

/// <summary>
/// <c>POST /api/v1/images/{channel}/callback</c>: finishes an upload. The upload with the announced etag must be a picture within the
/// limits of size and shape; the picture and its thumbnail are made of it, upright and of nothing but pixels. Idempotent by the key: a repetition with the
/// same etag gives the same answer, after the ticket's end without its metadata.
/// </summary>
internal static class FinishUpload
{
    /// <summary>Body.</summary>
    /// <param name="Key">The ticket's.</param>
    /// <param name="Etag">SHA-256 of what was uploaded, in hex: the ETag that our own upload answers.</param>
    /// <param name="ContentLength">Bytes of what was uploaded; checked where given.</param>
    public sealed record Request(
        [Required, StringLength(512, MinimumLength = 3)] string? Key,
        [Required, StringLength(128, MinimumLength = 1)] string? Etag,
        long? ContentLength = null);

    public sealed record Response(
        string Key, string Channel, Uri CdnUrl, string UploaderId, IReadOnlyDictionary<string, string>? Metadata, string Etag, string ContentType);

    public static void MapFinishUpload(this IEndpointRouteBuilder images) =>
        images.MapPost("/{channel}/callback", HandleAsync).WithName(nameof(FinishUpload)).AddEndpointFilter(RefuseAsync)
            .Answers(400, "CHANNEL_MISMATCH").Answers(403, "UPLOADER_MISMATCH", "IMAGE_QUOTA_EXCEEDED").Answers(404, "UPLOAD_NOT_FOUND")
            .Answers(409, "UPLOAD_MISSING", "UPLOAD_MISMATCH").Answers(413, "IMAGE_TOO_LARGE").Answers(415, "UNSUPPORTED_IMAGE").Answers(503, "STORAGE_UNAVAILABLE");

    private static async Task<Results<Ok<Response>, ProblemHttpResult>> HandleAsync(
        string channel, Request request, UserIdentity user, ImageRecords records, IPictureStorage storage, PictureFiles files, PictureMaker maker,
        IOptions<ImagesOptions> options, CancellationToken cancellationToken)
    {
        var key = request.Key!;
        if (key.Split('/') is not [var keyChannel, var file] || ImageKey.FromPath(keyChannel, file) is null)
        {
            throw NotFound();
        }

        var ticket = await records.FindTicketAsync(key, cancellationToken);
        var image = await records.FindAsync(key, cancellationToken);
        if ((image?.Owner ?? ticket?.UploaderId) is not { } owner)
        {
            throw NotFound();
        }

        if (owner != user.Id)
        {
            return Problems.Of(403, "UPLOADER_MISMATCH", "the ticket belongs to another user");
        }

        if (keyChannel != channel)
        {
            return Problems.Of(400, "CHANNEL_MISMATCH", $"the ticket is for channel {keyChannel}");
        }

        // The record decides which upload is the picture; its objects follow, also when a crash came between the two.
        var etag = ImageKey.Sha256(request.Etag!);
        if (image is null or { Pending: true })
        {
            image = await MakeAsync(
                new(key, etag, request.ContentLength, image?.ContentType ?? ticket!.ContentType), user.Id, records, storage, files, maker, cancellationToken);
        }

        if (!image.IsMadeOf(etag, request.ContentLength))
        {
            throw UploadException.Mismatch();
        }

        // The picture is there: its upload is of no use any more, and its ticket is open no more.
        await storage.DeleteUploadsAsync(key, cancellationToken);
        if (!await records.CloseAsync(user.Id, key, image.Length, cancellationToken))
        {
            // The erasure may have passed this key before the picture was there.
            await records.DeleteAsync(key, cancellationToken);
            await files.DeleteAsync(key, cancellationToken);
            throw NotFound();
        }

        return TypedResults.Ok(new Response(
            key, channel, options.Value.CdnUrl(key), image.Owner, ticket?.Metadata, image.UploadETag ?? image.ETag, image.ContentType));
    }

    private sealed record Wanted(string Key, string? ETag, long? Length, string ContentType);

    /// <summary>Makes the picture of the wanted upload, or goes on where a crash ended it. Returns the record of whichever upload was first.</summary>
    private static async Task<PictureRecord> MakeAsync(
        Wanted wanted, string user, ImageRecords records, IPictureStorage storage, PictureFiles files, PictureMaker maker, CancellationToken cancellationToken)
    {
        // 1. The upload, and the picture of it.
        var key = wanted.Key;
        await using var upload = wanted.ETag is null ? null : await storage.OpenUploadAsync(key, wanted.ETag, cancellationToken);
        if (upload is null)
        {
            // Somebody else may have finished it just now, and deleted the upload.
            return await records.FindFinishedAsync(key, cancellationToken)
                ?? throw (await storage.HasUploadsAsync(key, cancellationToken)
                    ? UploadException.Mismatch() : new UploadException(409, "UPLOAD_MISSING", "nothing was uploaded yet, or it is gone"));
        }

        if (wanted.Length is { } length && length != upload.Length)
        {
            throw UploadException.Mismatch();
        }

        var made = await maker.MakeAsync(upload, wanted.ContentType, wanted.ETag!, cancellationToken);

        // 2. Its part of the quota.
        var charge = await records.ChargeAsync(user, key, made.Content.Length, reopen: false, cancellationToken);
        if (charge == Charge.Closed)
        {
            if (await records.FindFinishedAsync(key, cancellationToken) is { } finished)
            {
                return finished;
            }

            charge = await records.ChargeAsync(user, key, made.Content.Length, reopen: true, cancellationToken);
        }

        switch (charge)
        {
            case Charge.Full:
                throw new UploadException(403, "IMAGE_QUOTA_EXCEEDED", "the pictures of this account take all the room they may");
            case Charge.Erased:
                await files.DeleteAsync(key, cancellationToken);
                throw NotFound();
        }

        // 3. The choice of this upload, its objects, and the end of it.
        var picture = new PictureRecord(
            key, user, made.ContentType, made.Content.Length, made.ETag, made.Width, made.Height, wanted.ETag, upload.Length, Pending: true, HasThumbnail: true);
        var recorded = await records.RecordAsync(picture, cancellationToken);
        if (recorded.UploadETag != wanted.ETag || !recorded.Pending)
        {
            return recorded;
        }

        await files.WriteAsync(key, made, cancellationToken);
        if (await records.SettleAsync(picture, cancellationToken) is { } settled)
        {
            return settled;
        }

        // The record is gone: the person has deleted the account, or this came long after its time.
        await files.DeleteAsync(key, cancellationToken);
        throw NotFound();
    }

    private static async ValueTask<object?> RefuseAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context);
        }
        catch (UploadException refused)
        {
            return Problems.Of(refused.Status, refused.Code, refused.Message);
        }
        catch (StorageException exception)
        {
            return Problems.Of(503, "STORAGE_UNAVAILABLE", exception.Message);
        }
    }

    private static UploadException NotFound() => new(404, "UPLOAD_NOT_FOUND", "there is no such upload, or its ticket has expired");
}
