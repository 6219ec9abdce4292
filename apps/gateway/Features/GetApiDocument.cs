using Gateway.OpenApi;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;
using ServiceDefaults;

namespace Gateway.Features;

/// <summary><c>GET /openapi/v1.json</c>: all that clients reach, of every app, as one OpenAPI 3.1 document. The page /docs shows it.</summary>
internal static class GetApiDocument
{
    /// <summary>More exact than the route of the gateway's own document, and for everybody.</summary>
    public static void MapGetApiDocument(this IEndpointRouteBuilder routes) => routes.MapGet("/openapi/v1.json", HandleAsync).AllowAnonymous()
        .WithName(nameof(GetApiDocument)).WithTags("Platform").Produces<object>().WithAnswerExample(new { openapi = "3.1.1" })
        .WithAnswerHeader("ETag", "Changes with the document.");

    private static async Task<FileContentHttpResult> HandleAsync(ApiDocument document, HttpResponse http, CancellationToken cancellationToken)
    {
        var (json, etag) = await document.GetAsync(cancellationToken);
        http.Headers.CacheControl = "public, max-age=60";
        return TypedResults.File(json, "application/json", entityTag: EntityTagHeaderValue.Parse(etag));
    }
}
