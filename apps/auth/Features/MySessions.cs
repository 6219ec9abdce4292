using Auth.Sessions;
using Microsoft.AspNetCore.Http.HttpResults;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Auth.Features;

/// <summary><c>GET /api/v1/auth/sessions</c>: the devices of a person; <c>DELETE …/{id}</c> ends one of them.</summary>
internal static class MySessions
{
    /// <param name="Sessions">Newest first.</param>
    public sealed record Response(IReadOnlyList<Item> Sessions);

    /// <summary>A device; the current one is that of this request.</summary>
    public sealed record Item(
        string Id, string Provider, Device? Device, DateTimeOffset CreatedAt, DateTimeOffset RefreshedAt, DateTimeOffset ExpiresAt, bool Current);

    public static void MapMySessions(this IEndpointRouteBuilder auth)
    {
        auth.MapGet("/sessions", GetAsync).WithName(nameof(MySessions)).WithSummary("The devices that are signed in");
        auth.MapDelete("/sessions/{id}", EndAsync).WithName("EndSession").WithSummary("Signs a device out").Answers(404, "SESSION_NOT_FOUND");
    }

    private static async Task<Ok<Response>> GetAsync(UserIdentity user, SessionService sessions, CancellationToken cancellationToken) =>
        TypedResults.Ok(new Response(
        [
            .. (await sessions.ListAsync(user.Id, cancellationToken)).Reverse().Select(session => new Item(
                session.Id, session.Provider, session.Device, session.CreatedAt, session.RefreshedAt, session.RefreshExpiresAt, session.Id == user.SessionId)),
        ]));

    /// <summary>Idempotent by session. A session of somebody else is as unknown as one that never was.</summary>
    private static async Task<Results<NoContent, ProblemHttpResult>> EndAsync(
        string id, UserIdentity user, HttpContext http, SessionService sessions, IdentityCookies cookies, CancellationToken cancellationToken)
    {
        // Only the form of our own ids gets as far as a state key.
        if (!Guid.TryParseExact(id, "N", out var session) || !await sessions.EndAsync(session.ToString("N"), EndReasons.Logout, user.Id, cancellationToken))
        {
            return Problems.Of(404, "SESSION_NOT_FOUND", "You have no such session; GET /api/v1/auth/sessions lists them");
        }

        if (id == user.SessionId)
        {
            cookies.Delete(http.Response);
        }

        return TypedResults.NoContent();
    }
}
