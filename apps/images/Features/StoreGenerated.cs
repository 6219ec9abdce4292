using System.ComponentModel.DataAnnotations;
using System.Security.Cryptography;
using Contracts;
using Contracts.Images;
using Images.Storage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Images.Features;

/// <summary>
/// <c>POST /internal/images/generated/{id}?owner={user}</c>: takes a generated picture, whose bytes are the body, and publishes it under an address that
/// cannot be guessed. Idempotent by the id: a repetition, also one with other bytes, answers the same picture. Refused for an owner who is erased (404).
/// </summary>
internal static class StoreGenerated
{
    public static void MapStoreGenerated(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/internal/images/generated/{id:guid}", HandleAsync).RequireCaller(Apps.Desk);

    private static async Task<Results<Ok<StoredImage>, ProblemHttpResult>> HandleAsync(
        Guid id, [Required, StringLength(128, MinimumLength = 1)] string owner, HttpRequest http, GeneratedImages generated, IOptions<ImagesOptions> options,
        CancellationToken cancellationToken)
    {
        var settings = options.Value;
        if (await ReadAsync(http, settings.MaxServerUploadBytes, cancellationToken) is not { } content)
        {
            return Problems.Of(413, "IMAGE_TOO_LARGE", $"a generated picture has at most {settings.MaxServerUploadBytes} bytes");
        }

        if (content.Length == 0)
        {
            return Problems.Of(400, "IMAGE_EMPTY", "the body is empty");
        }

        if (PictureRules.Refusal(content, settings, out var info) is { } refusal)
        {
            return refusal;
        }

        if (http.ContentType != info.MediaType)
        {
            return Problems.Of(415, "CONTENT_TYPE_MISMATCH", $"the body is {info.MediaType}: send that as Content-Type");
        }

        try
        {
            var stored = await generated.StoreAsync(
                id, new("", owner, info.MediaType, content.Length, Convert.ToHexStringLower(SHA256.HashData(content)), info.UprightWidth, info.UprightHeight), content,
                cancellationToken);
            return TypedResults.Ok(new StoredImage(
                stored.Key, settings.CdnUrl(stored.Key), stored.ContentType, stored.Length, stored.ETag, stored.Width ?? 0, stored.Height ?? 0));
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

    /// <summary>The body, or null when it has more bytes than allowed.</summary>
    private static async Task<byte[]?> ReadAsync(HttpRequest http, int limit, CancellationToken cancellationToken)
    {
        if (http.ContentLength > limit)
        {
            return null;
        }

        var content = new MemoryStream((int)(http.ContentLength ?? 0));
        var buffer = new byte[64 * 1024];
        while (await http.Body.ReadAsync(buffer, cancellationToken) is > 0 and var read)
        {
            if (content.Length + read > limit)
            {
                return null;
            }

            content.Write(buffer, 0, read);
        }

        return content.ToArray();
    }
}
