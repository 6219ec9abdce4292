using Gateway.Security;
using ServiceDefaults;

namespace Gateway.Features;

/// <summary>The route table as endpoints, whatever is done at them.</summary>
internal static class RouteEndpoints
{
    public static void MapRouteTable(this IEndpointRouteBuilder routes, GatewayOptions options, Func<GatewayRoute, RequestDelegate> handlerOf)
    {
        foreach (var (name, route) in options.Routes)
        {
            var handler = handlerOf(route);
            var endpoint = route.Methods.Length == 0 ? routes.Map(route.Path, handler) : routes.MapMethods(route.Path, route.Methods, handler);
            endpoint.WithDisplayName(name);
        }

        // Chosen for methods that no line of the table has for the path.
        foreach (var path in options.Routes.Values.Where(route => route.Methods.Length > 0).GroupBy(route => route.Path))
        {
            var allowed = string.Join(", ", path.SelectMany(route => route.Methods).Distinct());
            routes.Map(path.Key, (RequestDelegate)(context => RefuseMethodAsync(context, allowed))).WithMetadata(new PathMethods(allowed));
        }
    }

    private static Task RefuseMethodAsync(HttpContext context, string allowed)
    {
        context.Response.Headers.Allow = allowed;
        return Problems.WriteAsync(context, StatusCodes.Status405MethodNotAllowed, "METHOD_NOT_ALLOWED", $"This path answers to {allowed}");
    }
}
