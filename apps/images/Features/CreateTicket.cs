using System.ComponentModel.DataAnnotations;
using Images.Storage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Images.Features;

/// <summary><c>POST /api/v1/images/{channel}</c>: a ticket to upload one picture straight to us. A user has a limited number of open ones.</summary>
internal static class CreateTicket
{
    private const int MaxMetadataText = 500;

    private static readonly string[] ContentTypes = ["image/jpeg", "image/png"];

    public sealed record Request(
        [Required, StringLength(255, MinimumLength = 1)] string? Filename,
        [Required, StringLength(100)] string? ContentType,
        [MaxLength(20)] IReadOnlyDictionary<string, string>? Metadata = null);

    public sealed record Response(
        string Key, Uri UploadUrl, Uri CdnUrl, int ExpiresIn, IReadOnlyDictionary<string, string> RequiredHeaders);

    public static void MapCreateTicket(this IEndpointRouteBuilder images) => images.MapPost("/{channel}", HandleAsync).WithName(nameof(CreateTicket))
        .Answers(404, "CHANNEL_NOT_FOUND").Answers(415, "UNSUPPORTED_IMAGE").Answers(429, "TOO_MANY_OPEN_UPLOADS");

    private static async Task<Results<Ok<Response>, ProblemHttpResult>> HandleAsync(
        string channel, Request request, UserIdentity user, ImageRecords records, IOptions<ImagesOptions> options, HttpResponse http, CancellationToken cancellationToken)
    {
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

        var key = ImageKey.Create(channel, request.Filename!);
        // The ticket first: whoever erases what is listed meets a ticket that is there already or is never saved.
        await records.SaveTicketAsync(new UploadTicket(key, channel, user.Id, request.ContentType!, request.Metadata), cancellationToken);
        var opening = await records.TryOpenAsync(user.Id, key, cancellationToken);
        if (!opening.Opened)
        {
            await records.DeleteTicketAsync(key, cancellationToken);
            if (opening.Wait is not { } wait)
            {
                return Problems.Of(404, "USER_NOT_FOUND", "there is no such account (any more)");
            }

            http.Headers.RetryAfter = ((int)Math.Ceiling(wait.TotalSeconds)).ToString("D");
            return Problems.Of(
                429, "TOO_MANY_OPEN_UPLOADS", $"at most {options.Value.MaxOpenTickets} uploads of a user are open at a time: finish one or wait until its ticket expires");
        }

        var settings = options.Value;
        return TypedResults.Ok(new Response(
            key,
            new Uri(settings.PublicBaseUrl, $"/api/v1/images/upload/{key}"),
            settings.CdnUrl(key),
            (int)settings.TicketLifetime.TotalSeconds,
            new Dictionary<string, string> { ["Content-Type"] = request.ContentType! }));
    }

    /// <summary>The picture's address: the CDN's where there is one, else the gateway's.</summary>
    internal static Uri CdnUrl(this ImagesOptions options, string key) =>
        options.CdnBaseUrl is { } cdn ? new($"{cdn.ToString().TrimEnd('/')}/{key}") : new(options.PublicBaseUrl, $"/api/v1/images/{key}");
}
