using Gateway.ApiKeys;
using ServiceDefaults;
using Identity = ServiceDefaults.Identity.Identity;

namespace Gateway.ExtAuthz;

/// <summary>An answer that lets a request pass, with what Envoy is to change in it.</summary>
internal static class CheckAnswer
{
    /// <summary>Envoy takes the headers that this lists off the client's request (<c>headers_to_remove</c> of its HTTP authorization service).</summary>
    public const string Remove = "x-envoy-auth-headers-to-remove";

    /// <summary>What no client may say, and nobody here does; and keys, which no app is to see.</summary>
    private const string Foreign =
        $"X-User-Role,X-Provider,{UserIdentity.AddressHeader},dapr-caller-app-id,dapr-app-id,dapr-api-token,{ApiKeyMiddleware.Header}";

    /// <summary>Without an identity a client's own claim of one must not reach the app, whichever headers Envoy was told to copy.</summary>
    private const string ForeignAndOwn =
        $"{Foreign},{UserIdentity.Header},{UserIdentity.ProviderHeader},{UserIdentity.SessionHeader},{UserIdentity.RolesHeader}";

    public static void Allow(HttpContext context, Identity? identity)
    {
        context.Response.StatusCode = StatusCodes.Status200OK;
        context.Response.ContentLength = 0;
        var headers = context.Response.Headers;
        headers[Remove] = identity is null ? ForeignAndOwn : Foreign;
        // Empty, they overwrite the client's where Envoy copies them.
        headers[UserIdentity.Header] = identity?.UserId ?? "";
        headers[UserIdentity.ProviderHeader] = identity?.Provider ?? "";
        headers[UserIdentity.SessionHeader] = identity?.SessionId ?? "";
        headers[UserIdentity.RolesHeader] = identity?.RolesText ?? "";
        if (context.Features.Get<TradedApiKey>() is not null)
        {
            // Instead of the key: for apps that verify tokens themselves.
            headers.Authorization = context.Request.Headers.Authorization;
        }
    }
}
