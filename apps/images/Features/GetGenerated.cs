using Images.Storage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;
using ServiceDefaults;

namespace Images.Features;

/// <summary>
/// <c>GET /api/v1/images/generated/{file}</c>: a generated picture, to anybody who has its address, as a CDN would: who receives a callback has no token.
/// </summary>
internal static class GetGenerated
{
    public static void MapGetGenerated(this IEndpointRouteBuilder images) => images.MapGet("/generated/{file}", HandleAsync).WithName(nameof(GetGenerated))
        .AnswersBytes("image/jpeg", "image/png").WithAnswerHeader("ETag", "SHA-256 of the picture.").Answers(404, "IMAGE_NOT_FOUND").Answers(503, "STORAGE_UNAVAILABLE");

    private static async Task<Results<FileContentHttpResult, ProblemHttpResult>> HandleAsync(
        string file, ImageRecords records, ObjectStore objects, HttpResponse http, CancellationToken cancellationToken)
    {
        if (ImageKey.FromGeneratedPath(file) is not { } key || await records.FindFinishedAsync(key, cancellationToken) is not { } image)
        {
            return Problems.Of(404, "IMAGE_NOT_FOUND", "there is no such picture");
        }

        try
        {
            var content = await objects.ReadAsync(key, cancellationToken);
            http.Headers.XContentTypeOptions = "nosniff";
            http.Headers.CacheControl = "public, max-age=31536000, immutable";
            return TypedResults.Bytes(content, image.ContentType, entityTag: new EntityTagHeaderValue($"\"{image.ETag}\""));
        }
        catch (StorageException exception)
        {
            return Problems.Of(503, "STORAGE_UNAVAILABLE", exception.Message);
        }
    }
}
