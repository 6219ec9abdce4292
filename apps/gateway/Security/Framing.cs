using Microsoft.Net.Http.Headers;
using ServiceDefaults;

namespace Gateway.Security;

/// <summary>
/// Refuses a request with both <c>Content-Length</c> and <c>Transfer-Encoding</c> and closes its connection (RFC 9112 §6.1): whoever stands before
/// may have believed the other one. The server ignores the length and moves it to the header that is looked for here; all other ways to draw a
/// request's end twice it refuses itself.
/// </summary>
internal static class Framing
{
    /// <summary>Where the server puts a length that it ignores.</summary>
    private const string IgnoredLength = "X-Content-Length";

    public static IApplicationBuilder UseFraming(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        if (context.Request.Headers.TransferEncoding.Count == 0 || !context.Request.Headers.ContainsKey(IgnoredLength))
        {
            return next(context);
        }

        context.Response.Headers[HeaderNames.Connection] = "close";
        return Problems.WriteAsync(context, StatusCodes.Status400BadRequest, "MALFORMED_REQUEST", "A request has Content-Length or Transfer-Encoding, not both");
    });
}
