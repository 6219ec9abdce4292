using ServiceDefaults.Identity;

namespace Auth.Sessions;

/// <summary>What a request brings of a session. Apps without cookies use headers, as does an edge that turns cookies into headers (design §10).</summary>
internal static class RequestCredentials
{
    /// <summary>Carries a refresh token where there are no cookies.</summary>
    public const string RefreshHeader = "X-Refresh-Token";

    private const string Bearer = "Bearer ";

    /// <summary><c>X-Refresh-Token: Bearer</c>, else <c>Authorization: Bearer</c>, else the cookie.</summary>
    public static string? RefreshToken(this HttpRequest request, IdentityCookies cookies) =>
        BearerOf(request.Headers[RefreshHeader].ToString()) ?? BearerOf(request.Headers.Authorization.ToString()) ?? request.Cookies[cookies.Refresh];

    /// <summary><c>Authorization: Bearer</c>, else the cookie.</summary>
    public static string? AccessToken(this HttpRequest request, IdentityCookies cookies) =>
        BearerOf(request.Headers.Authorization.ToString()) ?? request.Cookies[cookies.Access];

    /// <summary>Whether the client keeps its tokens in cookies: then they are never in a body, where a script could read them.</summary>
    public static bool UsesCookies(this HttpRequest request, IdentityCookies cookies) =>
        request.Cookies.ContainsKey(cookies.Refresh) || request.Cookies.ContainsKey(cookies.Access);

    /// <summary>Sets both cookies.</summary>
    public static void Append(this IdentityCookies cookies, HttpResponse response, TokenPair pair)
    {
        cookies.Append(response, cookies.Access, pair.AccessToken, pair.AccessExpiresAt);
        cookies.Append(response, cookies.Refresh, pair.RefreshToken, pair.RefreshExpiresAt);
    }

    /// <summary>Takes both cookies back.</summary>
    public static void Delete(this IdentityCookies cookies, HttpResponse response)
    {
        cookies.Delete(response, cookies.Access);
        cookies.Delete(response, cookies.Refresh);
    }

    private static string? BearerOf(string header) =>
        header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) && header[Bearer.Length..].Trim() is { Length: > 0 } token ? token : null;
}
