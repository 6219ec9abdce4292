using Microsoft.Extensions.Options;

namespace Gateway.Security;

/// <summary>Response headers that browsers act on, and the request id.</summary>
internal static class SecurityHeaders
{
    /// <summary>Where pictures of products come from, which <c>apps/web/desk/desk.js</c> names too; everything else on a page comes from here.</summary>
    private const string ProductPictures = "https://shopping-phinf.pstatic.net";

    private const string ApiPolicy = "default-src 'none'; frame-ancestors 'none'";

    /// <summary>Adds the headers to every answer, unless the app behind has set its own.</summary>
    public static IApplicationBuilder UseSecurityHeaders(this IApplicationBuilder app)
    {
        var uploads = app.ApplicationServices.GetRequiredService<IOptions<GatewayOptions>>().Value.UploadOrigins;
        var (pages, desk) = (PagePolicy(uploads), PagePolicy(uploads, ProductPictures));
        // Made once: every answer of the platform passes here.
        Func<object, Task> add = context =>
        {
            Add((HttpContext)context, pages, desk);
            return Task.CompletedTask;
        };
        return app.Use((context, next) =>
        {
            context.Response.OnStarting(add, context);
            return next(context);
        });
    }

    /// <param name="uploads">Origins that the page may send to, besides ours.</param>
    /// <param name="pictures">Origins of its pictures, besides ours.</param>
    private static string PagePolicy(string[] uploads, params string[] pictures) =>
        $"img-src {string.Join(' ', ["'self'", "data:", "blob:", .. pictures])}; default-src 'self'; style-src 'self'; script-src 'self'; "
        + $"connect-src {string.Join(' ', ["'self'", .. uploads])}; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    private static void Add(HttpContext context, string pages, string desk)
    {
        var (path, headers) = (context.Request.Path, context.Response.Headers);
        var isApi = path.StartsWithSegments("/api");
        headers.XContentTypeOptions = "nosniff";
        headers.TryAdd("Referrer-Policy", "strict-origin-when-cross-origin");
        headers.TryAdd("Content-Security-Policy", isApi ? ApiPolicy : path.StartsWithSegments("/desk") ? desk : pages);
        headers.TryAdd("Cross-Origin-Opener-Policy", "same-origin");
        headers.TryAdd("Cross-Origin-Resource-Policy", "same-origin");
        headers.TryAdd("Permissions-Policy", "camera=(self), geolocation=(self), microphone=()");
        headers[Forwarding.ForwardedHeaders.RequestId] = RequestIds.Of(context);
        if (isApi)
        {
            headers.TryAdd("Cache-Control", "no-store");
        }
    }
}
