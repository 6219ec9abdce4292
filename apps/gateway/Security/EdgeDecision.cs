using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Gateway.Security;

/// <summary>
/// Whether a request may pass to what is behind its route: the one decision, whether the gateway forwards the request itself or tells Envoy.
/// It looks at the request alone and changes nothing.
/// </summary>
internal sealed class EdgeDecision(RequestTokens tokens, IOptions<CorsOptions> cors)
{
    /// <summary>Who asks, perhaps nobody where the route is public; null when the request was refused, which then is answered.</summary>
    public ValueTask<TokenCheck?> AdmitAsync(HttpContext context, GatewayRoute route)
    {
        var caller = tokens.Check(context.Request);
        if (caller.Identity is null && !route.Public)
        {
            return Refused(RequestTokens.RefuseAsync(context, caller.Failure));
        }

        if (caller.Identity is { } identity && !route.IsOpen && !identity.May(route.Scope))
        {
            return Refused(ScopeRules.RefuseAsync(context, route.Scope));
        }

        return CrossSite.IsAllowed(context.Request, caller.ByCookie, route.Credentials, cors.Value)
            ? ValueTask.FromResult<TokenCheck?>(caller)
            : Refused(Problems.WriteAsync(
                context, StatusCodes.Status403Forbidden, "CROSS_SITE_REQUEST",
                "A write with cookies must come from our own pages or from an origin of Gateway:Cors:Origins"));
    }

    private static async ValueTask<TokenCheck?> Refused(Task written)
    {
        await written;
        return null;
    }
}
