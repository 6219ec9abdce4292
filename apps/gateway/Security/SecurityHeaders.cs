namespace Gateway.Security;

/// <summary>Response headers that browsers act on, and the request id.</summary>
internal static class SecurityHeaders
{
    private const string PagePolicy = "img-src 'self' data: blob:; " + Rest;

    /// <summary>Pictures of products come from Naver's server for them, which <c>apps/web/desk/desk.js</c> names too; everything else comes from here.</summary>
    private const string DeskPolicy = "img-src 'self' data: blob: https://shopping-phinf.pstatic.net; " + Rest;

    private const string Rest =
        "default-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    private const string ApiPolicy = "default-src 'none'; frame-ancestors 'none'";

    /// <summary>Adds the headers to every answer, unless the app behind has set its own.</summary>
    public static IApplicationBuilder UseSecurityHeaders(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        context.Response.OnStarting(static state =>
        {
            var context = (HttpContext)state;
            var headers = context.Response.Headers;
            var isApi = context.Request.Path.StartsWithSegments("/api");
            headers.XContentTypeOptions = "nosniff";
            headers.TryAdd("Referrer-Policy", "strict-origin-when-cross-origin");
            headers.TryAdd("Content-Security-Policy", isApi ? ApiPolicy : context.Request.Path.StartsWithSegments("/desk") ? DeskPolicy : PagePolicy);
            headers.TryAdd("Cross-Origin-Opener-Policy", "same-origin");
            headers.TryAdd("Cross-Origin-Resource-Policy", "same-origin");
            headers.TryAdd("Permissions-Policy", "camera=(self), geolocation=(self), microphone=()");
            headers[Forwarding.ForwardedHeaders.RequestId] = RequestIds.Of(context);
            if (isApi)
            {
                headers.TryAdd("Cache-Control", "no-store");
            }

            return Task.CompletedTask;
        }, context);
        return next(context);
    });
}
