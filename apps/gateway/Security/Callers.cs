using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Gateway.Security;

/// <summary>Reads and verifies the token of a request: <c>Authorization: Bearer</c> first, then the cookie.</summary>
internal sealed class Callers(IdentityTokens tokens)
{
    /// <summary>The caller; without a user id when there is no token or it is not valid.</summary>
    public Caller Of(HttpContext context)
    {
        var header = context.Request.Headers.Authorization.ToString();
        var byCookie = !header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase);
        var token = byCookie ? context.Request.Cookies[IdentityTokens.CookieName] : header["Bearer ".Length..].Trim();
        return !string.IsNullOrEmpty(token) && tokens.Verify(token) is { } identity
            ? new Caller(identity.UserId, token, byCookie)
            : default;
    }
}
