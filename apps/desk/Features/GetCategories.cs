using Desk.Products;
using Microsoft.AspNetCore.Http.HttpResults;
using ServiceDefaults;

namespace Desk.Features;

/// <summary><c>GET /api/v1/desk/categories</c>: the categories of things for a desk, for menus and filters. They change with the app alone.</summary>
internal static class GetCategories
{
    /// <param name="Categories">Main categories, each with those within it.</param>
    public sealed record Response(IReadOnlyList<ProductCategory> Categories);

    private static readonly Response All = new(ProductCategories.All);

    public static void MapGetCategories(this IEndpointRouteBuilder desk) => desk.MapGet("/categories", Handle).WithName(nameof(GetCategories))
        .WithSummary("The categories of products")
        .WithAnswerExample(new Response([.. ProductCategories.All.Take(2)]))
        .WithAnswerHeader("Cache-Control", "They may be kept for an hour.");

    /// <summary>The original path, see <see cref="OriginalPaths"/>.</summary>
    public static void MapOriginalCategories(this IEndpointRouteBuilder routes) => routes.MapGet("/categories", Handle);

    private static Ok<Response> Handle(HttpResponse http)
    {
        http.Headers.CacheControl = "public, max-age=3600";
        return TypedResults.Ok(All);
    }
}
