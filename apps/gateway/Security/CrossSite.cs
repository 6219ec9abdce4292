namespace Gateway.Security;

/// <summary>
/// Protection against forged writes: a browser adds the cookie to requests that other sites start, so a write that is authenticated by cookie
/// must show that our own page, or one of an allowed origin, started it. A Bearer token is never sent by itself. Where cookies are made and
/// taken back (<see cref="GatewayRoute.Credentials"/>) a request that shows another origin is refused whatever it carries: else a page could
/// sign its visitor in as somebody else, or out.
/// </summary>
internal static class CrossSite
{
    /// <summary>Whether the request is safe to carry out for its caller.</summary>
    public static bool IsAllowed(HttpRequest request, bool byCookie, bool credentials, CorsOptions cors)
    {
        if (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method))
        {
            return true;
        }

        return (byCookie, credentials) switch
        {
            (false, false) => true,
            (true, _) => ComesFromUs(request, cors),
            // Programs that are no browsers show nothing.
            (false, true) => !HasOrigin(request) || ComesFromUs(request, cors),
        };
    }

    private static bool HasOrigin(HttpRequest request) => request.Headers.Origin.Count > 0 || request.Headers["Sec-Fetch-Site"].Count > 0;

    private static bool ComesFromUs(HttpRequest request, CorsOptions cors)
    {
        if (request.Headers.Origin is [{ } origin] && cors.Allows(origin))
        {
            return true;
        }

        // Sec-Fetch-Site cannot be set by a page; "none" is the person's own action. Older browsers send Origin alone.
        var site = request.Headers["Sec-Fetch-Site"].ToString();
        return site.Length > 0 ? site is "same-origin" or "none" : IsOwnOrigin(request);
    }

    private static bool IsOwnOrigin(HttpRequest request) =>
        Uri.TryCreate(request.Headers.Origin.ToString(), UriKind.Absolute, out var origin)
        && string.Equals(origin.Scheme, request.Scheme, StringComparison.OrdinalIgnoreCase)
        && string.Equals(origin.Authority, HostOf(request), StringComparison.OrdinalIgnoreCase);

    /// <summary>The host as <see cref="Uri.Authority"/> writes it: without the scheme's own port.</summary>
    private static string HostOf(HttpRequest request) =>
        Uri.TryCreate($"{request.Scheme}://{request.Host}", UriKind.Absolute, out var own) ? own.Authority : request.Host.Value ?? "";
}
