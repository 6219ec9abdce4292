using System.Net;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Gateway.Security;

/// <summary>
/// Plain HTTP from outside: pages are redirected, API calls are refused and not redirected, because the client has sent its token in the clear
/// already and must learn that (OWASP ASVS 5.0, 4.1.2). Inside are this machine, whose sidecar speaks HTTP, and the routes for probes and proxies.
/// </summary>
internal static class HttpsRules
{
    public static IApplicationBuilder UseHttpsRules(this IApplicationBuilder app)
    {
        var options = app.ApplicationServices.GetRequiredService<IOptions<GatewayOptions>>().Value;
        var environment = app.ApplicationServices.GetRequiredService<IHostEnvironment>();
        var hsts = environment.IsDevelopment() ? "" : options.Hsts;
        var isRequired = options.RequireHttps ?? environment.IsProduction();
        return app.Use((context, next) =>
        {
            if (context.Request.IsHttps)
            {
                if (hsts.Length > 0)
                {
                    context.Response.Headers.StrictTransportSecurity = hsts;
                }

                return next(context);
            }

            return !isRequired || context.Connection.RemoteIpAddress is null || IPAddress.IsLoopback(context.Connection.RemoteIpAddress) ? next(context)
                : context.Request.Path.StartsWithSegments("/api") || context.Request.Path.StartsWithSegments("/openapi") ? RefuseAsync(context)
                // What has no endpoint is a page.
                : context.GetEndpoint() is null ? Redirect(context)
                : next(context);
        });
    }

    private static Task RefuseAsync(HttpContext context) => Problems.WriteAsync(
        context, StatusCodes.Status403Forbidden, "HTTPS_REQUIRED",
        "The request came by plain HTTP. Use https, and a new token if it carried one; a proxy that ends TLS has to be named in Gateway:TrustedProxies");

    private static Task Redirect(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status308PermanentRedirect;
        context.Response.Headers.Location = $"https://{context.Request.Host}{context.Request.Path.ToUriComponent()}{context.Request.QueryString}";
        return Task.CompletedTask;
    }
}
