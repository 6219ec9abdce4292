using System.ComponentModel.DataAnnotations;
using Images.Storage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Images.Features;

/// <summary>
/// <c>POST /api/v1/images/{channel}</c>: a ticket to upload one picture, straight to us or to the store behind us. A user has a limited number of open ones.
/// </summary>
internal static class CreateTicket
{
    private const int MaxMetadataText = 500;

    private static readonly string[] ContentTypes = ["image/jpeg", "image/png"];

    /// <summary>Body.</summary>
    /// <param name="Filename">Only its ending is kept.</param>
    /// <param name="ContentType">image/jpeg or image/png.</param>
    /// <param name="Metadata">Up to 20 texts that the callback answers again.</param>
    /// <param name="ContentLength">Bytes of the file. Needed where uploads go to a bucket; else checked where given.</param>
    /// <param name="ChecksumSha256">SHA-256 of the file, lower-case hex. Needed and checked as the length is.</param>
    public sealed record Request(
        [Required, StringLength(255, MinimumLength = 1)] string? Filename,
        [Required, StringLength(100)] string? ContentType,
        [MaxLength(20)] IReadOnlyDictionary<string, string>? Metadata = null,
        [Range(1, long.MaxValue)] long? ContentLength = null,
        [RegularExpression("[0-9a-f]{64}")] string? ChecksumSha256 = null);

    public sealed record Response(
        string Key, Uri UploadUrl, Uri CdnUrl, int ExpiresIn, IReadOnlyDictionary<string, string> RequiredHeaders);

    public static void MapCreateTicket(this IEndpointRouteBuilder images) => images.MapPost("/{channel}", HandleAsync).WithName(nameof(CreateTicket))
        .WithRequestExample(new Request("photo.jpg", "image/jpeg", null, 734_003, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"))
        .Answers(400, "UPLOAD_NOT_ANNOUNCED").Answers(403, "IMAGE_QUOTA_EXCEEDED").Answers(404, "CHANNEL_NOT_FOUND").Answers(413, "IMAGE_TOO_LARGE")
        .Answers(415, "UNSUPPORTED_IMAGE").Answers(429, "TOO_MANY_OPEN_UPLOADS").Answers(503, "STORAGE_UNAVAILABLE");

    private static async Task<Results<Ok<Response>, ProblemHttpResult>> HandleAsync(
        string channel, Request request, UserIdentity user, ImageRecords records, BegunUploads begun, IPictureStorage storage, IOptions<ImagesOptions> options,
        HttpResponse http, CancellationToken cancellationToken)
    {
        var settings = options.Value;
        if (!ImageKey.Channels.Contains(channel))
        {
            return Problems.Of(404, "CHANNEL_NOT_FOUND", $"channels: {string.Join(", ", ImageKey.Channels)}");
        }

        if (!ContentTypes.Contains(request.ContentType))
        {
            return Problems.Of(415, "UNSUPPORTED_IMAGE", $"pictures are {string.Join(" or ", ContentTypes)}");
        }

        if (request.Metadata?.Any(entry => entry.Key.Length > MaxMetadataText || entry.Value is not { Length: <= MaxMetadataText }) == true)
        {
            return Problems.Of(400, "VALIDATION_FAILED", $"names and values of metadata have at most {MaxMetadataText} characters");
        }

        if (storage.NeedsAnnouncement && request is { ContentLength: null } or { ChecksumSha256: null })
        {
            return Problems.Of(400, "UPLOAD_NOT_ANNOUNCED", "uploads go to a bucket here: say content_length and checksum_sha256 of the file");
        }

        if (request.ContentLength > settings.MaxUploadBytes)
        {
            return Problems.Of(413, "IMAGE_TOO_LARGE", $"a picture has at most {settings.MaxUploadBytes} bytes");
        }

        var key = ImageKey.Create(channel, request.Filename!);
        var ticket = new UploadTicket(key, channel, user.Id, request.ContentType!, request.Metadata, request.ContentLength, request.ChecksumSha256);
        // The ticket first: whoever erases what is listed meets a ticket that is there already or is never saved.
        await records.SaveTicketAsync(ticket, cancellationToken);
        var opening = await records.TryOpenAsync(user.Id, key, request.ContentLength, cancellationToken);
        if (!opening.Opened)
        {
            await records.DeleteTicketAsync(key, cancellationToken);
            return Refusal(opening, settings, http);
        }

        await begun.AddAsync(user.Id, key, cancellationToken);
        try
        {
            var address = await storage.AddressAsync(ticket, cancellationToken);
            return TypedResults.Ok(new Response(key, address.Url, settings.CdnUrl(key), (int)settings.TicketLifetime.TotalSeconds, address.RequiredHeaders));
        }
        catch (StorageException exception)
        {
            await records.DeleteTicketAsync(key, cancellationToken);
            await records.RefundAsync(user.Id, key, cancellationToken);
            return Problems.Of(503, "STORAGE_UNAVAILABLE", exception.Message);
        }
    }

    private static ProblemHttpResult Refusal(Opening opening, ImagesOptions settings, HttpResponse http)
    {
        if (opening.IsFull)
        {
            return Problems.Of(403, "IMAGE_QUOTA_EXCEEDED", $"the pictures of an account take at most {settings.MaxBytesPerUser} bytes");
        }

        if (opening.Wait is not { } wait)
        {
            return Problems.Of(404, "USER_NOT_FOUND", "there is no such account (any more)");
        }

        http.Headers.RetryAfter = ((int)Math.Ceiling(wait.TotalSeconds)).ToString("D");
        return Problems.Of(
            429, "TOO_MANY_OPEN_UPLOADS", $"at most {settings.MaxOpenTickets} uploads of a user are open at a time: finish one or wait until its ticket expires");
    }

    /// <summary>The picture's address: the CDN's where there is one, else the gateway's.</summary>
    internal static Uri CdnUrl(this ImagesOptions options, string key) =>
        options.CdnBaseUrl is { } cdn ? new($"{cdn.ToString().TrimEnd('/')}/{key}") : new(options.PublicBaseUrl, $"/api/v1/images/{key}");
}
