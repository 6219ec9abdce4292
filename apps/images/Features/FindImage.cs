using Contracts;
using Contracts.Images;
using Images.Storage;
using Microsoft.AspNetCore.Http.HttpResults;
using ServiceDefaults;

namespace Images.Features;

/// <summary><c>GET /internal/images/{channel}/{file}</c>: what is known of a finished picture, uploaded or generated, for other apps.</summary>
internal static class FindImage
{
    public static void MapFindImage(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/internal/images/{channel}/{file}", HandleAsync).RequireCaller(Apps.Scan, Apps.Desk);

    private static async Task<Results<Ok<ImageInfo>, ProblemHttpResult>> HandleAsync(
        string channel, string file, ImageRecords records, CancellationToken cancellationToken) =>
        (ImageKey.FromPath(channel, file) ?? ImageKey.FromGeneratedPath(channel, file)) is { } key && await records.FindFinishedAsync(key, cancellationToken) is { } image
            ? TypedResults.Ok(image.Info())
            : Problems.Of(404, "IMAGE_NOT_FOUND", "there is no finished picture with this key");
}
