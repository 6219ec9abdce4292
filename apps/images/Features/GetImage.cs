using Images.Storage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;
using ServiceDefaults;

namespace Images.Features;

/// <summary><c>GET /api/v1/images/{channel}/{file}</c>: the picture, to its owner.</summary>
internal static class GetImage
{
    public static void MapGetImage(this IEndpointRouteBuilder images) => images.MapGet("/{channel}/{file}", HandleAsync).WithName(nameof(GetImage))
        .AnswersBytes("image/jpeg", "image/png").WithAnswerHeader("ETag", "SHA-256 of the picture.").Answers(404, "IMAGE_NOT_FOUND");

    private static async Task<Results<FileStreamHttpResult, ProblemHttpResult>> HandleAsync(
        string channel, string file, UserIdentity user, ImageRecords records, ObjectFiles files, HttpResponse http, CancellationToken cancellationToken)
    {
        if (ImageKey.FromPath(channel, file) is not { } key
            || await records.FindAsync(key, cancellationToken) is not { } image || image.Owner != user.Id
            || files.OpenRead(key) is not { } stream)
        {
            return Problems.Of(404, "IMAGE_NOT_FOUND", "there is no such picture of yours");
        }

        // Our own pictures only, but the bytes are a user's: no sniffing, no page of ours as their context.
        http.Headers.XContentTypeOptions = "nosniff";
        http.Headers.CacheControl = "private, max-age=86400, immutable";
        return TypedResults.File(stream, image.ContentType, entityTag: new EntityTagHeaderValue($"\"{image.ETag}\""));
    }
}
