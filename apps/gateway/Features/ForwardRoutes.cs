using Gateway.Idempotency;
using Gateway.RateLimits;
using Gateway.Security;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Gateway.Features;

/// <summary>Maps the route table. Everything that protects what is behind happens here, once.</summary>
internal static class ForwardRoutes
{
    public static void MapForwardRoutes(this IEndpointRouteBuilder routes)
    {
        var options = routes.ServiceProvider.GetRequiredService<IOptions<GatewayOptions>>().Value;
        var limiter = routes.ServiceProvider.GetRequiredService<RateLimiter>();
        routes.MapRouteTable(options, route =>
        {
            var limits = limiter.For(route);
            return context => HandleAsync(context, route, limits, options);
        });
    }

    private static async Task HandleAsync(HttpContext context, GatewayRoute route, RouteLimits limits, GatewayOptions options)
    {
        if (!await limits.AllowsAsync(context, LimitBy.Address)
            || await context.RequestServices.GetRequiredService<EdgeDecision>().AdmitAsync(context, route) is not { } caller)
        {
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
