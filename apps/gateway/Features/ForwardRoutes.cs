using Gateway.Idempotency;
using Gateway.RateLimits;
using Gateway.Security;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Gateway.Features;

/// <summary>Maps the route table. Everything that protects what is behind happens here, once.</summary>
internal static class ForwardRoutes
{
    public static void MapForwardRoutes(this IEndpointRouteBuilder routes)
    {
        var options = routes.ServiceProvider.GetRequiredService<IOptions<GatewayOptions>>().Value;
        var cors = routes.ServiceProvider.GetRequiredService<IOptions<CorsOptions>>().Value;
        var limiter = routes.ServiceProvider.GetRequiredService<RateLimiter>();
        foreach (var (name, route) in options.Routes)
        {
            var limits = limiter.For(route);
            RequestDelegate handler = context => HandleAsync(context, route, limits, options, cors);
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

    private static async Task HandleAsync(HttpContext context, GatewayRoute route, RouteLimits limits, GatewayOptions options, CorsOptions cors)
    {
        if (!await limits.AllowsAsync(context, LimitBy.Address))
        {
            return;
        }

        var caller = context.RequestServices.GetRequiredService<RequestTokens>().Check(context.Request);
        if (caller.Identity is null && !route.Public)
        {
            await RequestTokens.RefuseAsync(context, caller.Failure);
            return;
        }

        if (caller.Identity is { } identity && !route.IsOpen && !identity.May(route.Scope))
        {
            await ScopeRules.RefuseAsync(context, route.Scope);
            return;
        }

        if (!CrossSite.IsAllowed(context.Request, caller.ByCookie, route.Credentials, cors))
        {
            await Problems.WriteAsync(context, StatusCodes.Status403Forbidden, "CROSS_SITE_REQUEST", "A write with cookies must come from our own pages or from an origin of Gateway:Cors:Origins");
            return;
        }

        if (!await limits.AllowsAsync(context, LimitBy.User, caller.Identity))
        {
            return;
        }

        var limit = route.MaxBodyBytes ?? options.MaxBodyBytes;
        // Refused before the server's own limit is set, so that the server still drains a body that is not too far above it:
        // a client that is still sending then gets the answer and no broken connection.
        if (context.Request.ContentLength > limit)
        {
            await Problems.WriteAsync(
                context, StatusCodes.Status413PayloadTooLarge, "BODY_TOO_LARGE", $"The request body is larger than the {limit} bytes this path allows");
            return;
        }

        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = limit;
        }

        await context.RequestServices.GetRequiredService<IdempotentForwarding>().ForwardAsync(context, route, caller);
    }
}
