namespace Gateway.Security;

/// <summary>
/// Protection against forged writes: a browser adds the cookie to requests that other sites start, so a write that is
/// authenticated by cookie must show that our own page started it. A Bearer token is never sent by itself.
/// </summary>
internal static class CrossSite
{
    /// <summary>Whether the request is safe to carry out for its caller.</summary>
    public static bool IsAllowed(HttpRequest request, bool byCookie)
    {
        if (!byCookie || HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method))
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
