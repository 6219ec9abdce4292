using Auth.Sessions;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Auth.Features;

/// <summary>
/// <c>POST /api/v1/auth/logout</c> ends the session of the given tokens, <c>…/logout/all</c> every session of the person (spec eco §2.1). The cookies
/// go only when that is stored: a client that hears of a failure can try again.
/// </summary>
internal static class Logout
{
    public sealed record Response(bool Success, Data Data);

    public sealed record Data(string Message);

    private static readonly Response Done = new(true, new Data("Successfully logged out"));

    public static void MapLogout(this IEndpointRouteBuilder auth)
    {
        auth.MapPost("/logout", HandleAsync).WithName(nameof(Logout)).WithSummary("Signs this device out");
        auth.MapPost("/logout/all", HandleAllAsync).WithName("LogoutEverywhere").WithSummary("Signs every device out");
    }

    /// <summary>Idempotent by session. Tokens that are not valid are ignored: who has none is logged out already.</summary>
    private static async Task<Response> HandleAsync(
        HttpContext http, SessionService sessions, TokenVerifier verifier, IdentityCookies cookies, CancellationToken cancellationToken)
    {
        foreach (var session in SessionsOf(http.Request, verifier, cookies))
        {
            await sessions.EndAsync(session.Id, EndReasons.Logout, session.UserId, cancellationToken);
        }

        cookies.Delete(http.Response);
        return Done;
    }

    /// <summary>Idempotent by user.</summary>
    private static async Task<Response> HandleAllAsync(
        UserIdentity user, HttpContext http, SessionService sessions, IdentityCookies cookies, CancellationToken cancellationToken)
    {
        await sessions.EndAllAsync(user.Id, EndReasons.LogoutEverywhere, cancellationToken);
        cookies.Delete(http.Response);
        return Done;
    }

    /// <summary>The access token may have expired while the refresh token lives, and a client may send either under <c>Authorization</c>.</summary>
    private static HashSet<(string Id, string UserId)> SessionsOf(HttpRequest request, TokenVerifier verifier, IdentityCookies cookies)
    {
        var sessions = new HashSet<(string, string)>();
        if (request.RefreshToken(cookies) is { } refresh
            && verifier.Verify(refresh, TokenTypes.Refresh, TokenTypes.RefreshAudience, out var claims) == TokenFailure.None)
        {
            sessions.Add((claims!.Sid, claims.Sub));
        }

        if (request.AccessToken(cookies) is { } access && verifier.VerifyAccess(access, out var identity) == TokenFailure.None)
        {
            sessions.Add((identity!.SessionId, identity.UserId));
        }

        return sessions;
    }
}
