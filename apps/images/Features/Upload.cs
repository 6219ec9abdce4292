using Contracts.Identity;
using Images.Storage;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Images.Features;

/// <summary>
/// <c>PUT /api/v1/images/upload/{channel}/{file}</c>: the picture's bytes, streamed to disk. The gateway proxies this route by
/// address (no sidecar sees the body), so the token is verified here and X-User-ID is never read. Repeating a PUT before
/// the callback replaces the file.
/// </summary>
internal static class Upload
{
    public static void MapUpload(this IEndpointRouteBuilder routes) =>
        routes.MapPut("/api/v1/images/upload/{channel}/{file}", HandleAsync).WithName(nameof(Upload)).WithTags("Images").DisableRequestTimeout()
            .AcceptsBytes("image/jpeg", "image/png").WithAnswerHeader("ETag", "SHA-256 of what was received: the callback names it.")
            .Answers(400, "IMAGE_EMPTY").Answers(403, "UPLOADER_MISMATCH").Answers(404, "UPLOAD_NOT_FOUND").Answers(408, "UPLOAD_TOO_SLOW").Answers(409, "UPLOAD_FINISHED", "UPLOAD_MISMATCH")
            .Answers(413, "IMAGE_TOO_LARGE").Answers(415, "CONTENT_TYPE_MISMATCH", "UNSUPPORTED_IMAGE").Answers(429, "TOO_MANY_UPLOADS");

    private static async Task<Results<Ok, EmptyHttpResult, ProblemHttpResult>> HandleAsync(
        string channel, string file, HttpContext http, RequestTokens tokens, ImageRecords records, IPictureStorage storage,
        IOptions<ImagesOptions> options, CancellationToken cancellationToken)
    {
        // 1. Who: the token; what: a ticket of the same person.
        var caller = tokens.Check(http.Request);
        if (caller.Identity is not { } user)
        {
            await RequestTokens.RefuseAsync(http, caller.Failure);
            return TypedResults.Empty;
        }

        if (!user.May(Scopes.Images))
        {
            await ScopeRules.RefuseAsync(http, Scopes.Images);
            return TypedResults.Empty;
        }

        // Any other store takes uploads by itself, at the address that the ticket gives.
        if (storage is not ObjectFiles files || ImageKey.FromPath(channel, file) is not { } key || await records.FindTicketAsync(key, cancellationToken) is not { } ticket)
        {
            return NotFound();
        }

        if (ticket.UploaderId != user.UserId)
        {
            return Problems.Of(403, "UPLOADER_MISMATCH", "the ticket belongs to another user");
        }

        if (await records.FindAsync(key, cancellationToken) is not null)
        {
            return Finished();
        }

        // 2. What is announced is checked before a byte is read.
        if (http.Request.ContentType != ticket.ContentType)
        {
            return Problems.Of(415, "CONTENT_TYPE_MISMATCH", $"send Content-Type: {ticket.ContentType}, as the ticket says");
        }

        var limit = options.Value.MaxUploadBytes;
        if (http.Request.ContentLength > limit)
        {
            return Problems.Of(413, "IMAGE_TOO_LARGE", $"a picture has at most {limit} bytes");
        }

        if (http.Request.ContentLength is { } announced && announced != (ticket.Length ?? announced))
        {
            return Problems.Of(409, "UPLOAD_MISMATCH", $"the ticket is for a file of {ticket.Length} bytes");
        }

        // 3. The body. Its limit is counted while it streams; the server's own smaller default is lifted for this route.
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = null;
        }

        try
        {
            // (2) docs/architecture.md: the bytes are on disk when this returns.
            var (etag, _) = await files.ReceiveAsync(ticket, http.Request.BodyReader, cancellationToken);
            var finished = await records.FindAsync(key, cancellationToken);
            if (finished is not null && !finished.IsMadeOf(etag, null))
            {
                return Finished();
            }

            // An erasure may have passed this key before the file was there; it takes the ticket first.
            if (finished is null && await records.FindTicketAsync(key, cancellationToken) is null)
            {
                await files.DeleteUploadsAsync(key, cancellationToken);
                return NotFound();
            }

            http.Response.Headers.ETag = $"\"{etag}\"";
            return TypedResults.Ok();
        }
        catch (UploadException refused)
        {
            // Whoever finishes a picture deletes all other uploads of its key.
            if (refused.Status == 404 && await records.FindAsync(key, cancellationToken) is not null)
            {
                return Finished();
            }

            return Problems.Of(refused.Status, refused.Code, refused.Message);
        }
    }

    private static ProblemHttpResult NotFound() => Problems.Of(404, "UPLOAD_NOT_FOUND", "there is no such upload, or its ticket has expired");

    private static ProblemHttpResult Finished() => Problems.Of(409, "UPLOAD_FINISHED", "the picture is finished and cannot be replaced");
}
