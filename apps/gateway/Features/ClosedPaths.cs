using Gateway.Security;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Gateway.Features;

/// <summary>Paths that lead nowhere: internal ones, ambiguous ones, what is not built yet, and everything unknown below /api.</summary>
internal static class ClosedPaths
{
    /// <summary>Refuses ambiguous and internal paths before anything else looks at them.</summary>
    public static IApplicationBuilder UseClosedPaths(this IApplicationBuilder app) => app.Use((context, next) =>
        !PathRules.IsPlain(context)
            ? Problems.WriteAsync(context, StatusCodes.Status400BadRequest, "AMBIGUOUS_PATH", "The path has encoded separators or dot segments")
        : IsInternal(context.Request.Path) ? NotFoundAsync(context)
        : next(context));

    public static void MapClosedPaths(this IEndpointRouteBuilder routes)
    {
        var options = routes.ServiceProvider.GetRequiredService<IOptions<GatewayOptions>>().Value;
        foreach (var path in options.NotImplemented)
        {
            routes.Map($"{path}/{{**rest}}", (RequestDelegate)(context => Problems.WriteAsync(
                context, StatusCodes.Status501NotImplemented, "NOT_IMPLEMENTED", "This part of the product is not there yet")));
        }

        routes.Map("/api/{**rest}", (RequestDelegate)NotFoundAsync);
    }

    /// <summary>Internal routes of the apps, and routes that only a sidecar may call.</summary>
    private static bool IsInternal(PathString path) =>
        path.StartsWithSegments("/api/v1/internal", StringComparison.OrdinalIgnoreCase)
        || path.StartsWithSegments("/internal", StringComparison.OrdinalIgnoreCase)
        || path.StartsWithSegments("/v1.0", StringComparison.OrdinalIgnoreCase);

    private static Task NotFoundAsync(HttpContext context) =>
        Problems.WriteAsync(context, StatusCodes.Status404NotFound, "NOT_FOUND", "There is nothing at this path");
}
