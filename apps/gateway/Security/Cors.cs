using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using ServiceDefaults;

namespace Gateway.Security;

/// <summary>Methods that the path of a route answers to, for preflights.</summary>
internal sealed record PathMethods(string Value);

/// <summary>
/// Cross-origin reads and preflights (Fetch standard §3.2). The gateway alone decides: what apps say is replaced. An origin gets its own name
/// back only when it is on the list; never <c>*</c>, which browsers refuse with credentials, and never <c>null</c>, which any sandboxed page has.
/// </summary>
internal static class Cors
{
    private const string Exposed = "X-Request-ID, RateLimit, RateLimit-Policy, Retry-After, Location, ETag";

    private const string AnyMethod = "GET, HEAD, POST, PUT, PATCH, DELETE";

    /// <summary>Headers that our own clients send.</summary>
    private const string RequestHeaders =
        "Authorization, Content-Type, Idempotency-Key, X-Idempotency-Key, Last-Event-ID, If-Match, If-None-Match, X-Refresh-Token, X-Canary, traceparent, tracestate";

    public static IApplicationBuilder UseGatewayCors(this IApplicationBuilder app)
    {
        var options = app.ApplicationServices.GetRequiredService<IOptions<CorsOptions>>().Value;
        return app.Use((context, next) => IsApi(context.Request.Path) ? HandleAsync(context, options, next) : next(context));
    }

    private static bool IsApi(PathString path) => path.StartsWithSegments("/api") || path.StartsWithSegments("/openapi");

    private static Task HandleAsync(HttpContext context, CorsOptions options, RequestDelegate next)
    {
        // One value exactly: two are no browser's.
        var origin = context.Request.Headers.Origin is [{ } only] ? only : null;
        var allowed = options.Allows(origin);

        // When the answer starts, so that failures of every kind have them too: a page must be able to read why.
        context.Response.OnStarting(static state =>
        {
            var (context, origin) = ((HttpContext, string?))state;
            SetHeaders(context.Response.Headers, origin);
            return Task.CompletedTask;
        }, (context, allowed ? origin : null));

        if (!HttpMethods.IsOptions(context.Request.Method) || context.Request.Headers.AccessControlRequestMethod.Count == 0 || origin is null)
        {
            return next(context);
        }

        if (!allowed)
        {
            return Problems.WriteAsync(context, StatusCodes.Status403Forbidden, "ORIGIN_NOT_ALLOWED", "Pages of this origin may not use the API");
        }

        var headers = context.Response.Headers;
        headers.AccessControlAllowMethods = context.GetEndpoint()?.Metadata.GetMetadata<PathMethods>()?.Value ?? AnyMethod;
        headers.AccessControlAllowHeaders = RequestHeaders;
        headers.AccessControlMaxAge = ((long)options.MaxAge.TotalSeconds).ToString("D");
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private static void SetHeaders(IHeaderDictionary headers, string? origin)
    {
        // Also where the origin is not allowed: a cache must not give one origin's answer to another.
        if (headers.Vary.Count == 0)
        {
            headers.Vary = HeaderNames.Origin;
        }
        else if (!headers.GetCommaSeparatedValues(HeaderNames.Vary).Contains(HeaderNames.Origin, StringComparer.OrdinalIgnoreCase))
        {
            headers.AppendCommaSeparatedValues(HeaderNames.Vary, HeaderNames.Origin);
        }

        headers.Remove(HeaderNames.AccessControlAllowOrigin);
        headers.Remove(HeaderNames.AccessControlAllowCredentials);
        headers.Remove(HeaderNames.AccessControlExposeHeaders);
        if (origin is not null)
        {
            headers.AccessControlAllowOrigin = origin;
            headers.AccessControlAllowCredentials = "true";
            headers.AccessControlExposeHeaders = Exposed;
        }
    }
}
