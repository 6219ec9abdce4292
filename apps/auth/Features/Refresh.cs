using Auth.Sessions;
using ServiceDefaults.Identity;

namespace Auth.Features;

/// <summary>
/// <c>POST /api/v1/auth/refresh</c> (spec eco §2.1): the next pair of tokens for a refresh token. To a browser 201 without a body and new cookies; to
/// a client without cookies the tokens in the body.
/// </summary>
internal static class Refresh
{
    public sealed record Response(string AccessToken, DateTimeOffset ExpiresAt, string RefreshToken, DateTimeOffset RefreshExpiresAt);

    public static void MapRefresh(this IEndpointRouteBuilder auth) =>
        auth.MapPost("/refresh", HandleAsync).WithName(nameof(Refresh))
            .Produces<Response>(StatusCodes.Status201Created).ProducesProblem(StatusCodes.Status401Unauthorized);

    /// <summary>May be repeated within <see cref="AuthOptions.RefreshGrace"/>: the key is the token.</summary>
    private static async Task HandleAsync(HttpContext http, SessionService sessions, IdentityCookies cookies, CancellationToken cancellationToken)
    {
        var usesCookies = http.Request.UsesCookies(cookies);
        var (failure, pair) = http.Request.RefreshToken(cookies) is { } token
            ? await sessions.RefreshAsync(token, Device.Of(http.Request), cancellationToken)
            : (TokenFailure.Missing, null);
        if (pair is null)
        {
            // A browser stops sending what is of no use; not when we cannot tell.
            if (usesCookies && failure != TokenFailure.Unavailable)
            {
                cookies.Delete(http.Response);
            }

            await RequestTokens.RefuseAsync(http, failure);
            return;
        }

        http.Response.StatusCode = StatusCodes.Status201Created;
        if (usesCookies)
        {
            cookies.Append(http.Response, pair);
            return;
        }

        await http.Response.WriteAsJsonAsync(
            new Response(pair.AccessToken, pair.AccessExpiresAt, pair.RefreshToken, pair.RefreshExpiresAt), ServiceDefaults.TandemJson.Options, cancellationToken);
    }
}
