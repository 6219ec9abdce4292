using Contracts.Jobs;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Sse.Features;

/// <summary>Who may read a log: the owner, proved by a token that is verified here. No header names a user.</summary>
internal sealed class JobAccess(IdentityTokens tokens)
{
    /// <summary>The identity; null after 401 was written.</summary>
    public async ValueTask<Identity?> AuthenticateAsync(HttpContext context)
    {
        var header = context.Request.Headers.Authorization.ToString();
        var token = header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)
            ? header["Bearer ".Length..].Trim()
            : context.Request.Cookies[IdentityTokens.CookieName];
        if (!string.IsNullOrEmpty(token) && tokens.Verify(token) is { } identity)
        {
            return identity;
        }

        context.Response.Headers.WWWAuthenticate = "Bearer";
        await Problems.WriteAsync(context, StatusCodes.Status401Unauthorized, "UNAUTHORIZED", "Sign in first");
        return null;
    }

    /// <summary>
    /// Whether the log exists, is of the app that the path names and belongs to the caller; else 404 was written. Someone
    /// else's job looks like one that does not exist.
    /// </summary>
    public async ValueTask<bool> CheckAsync(HttpContext context, JobHead? head, Identity identity, string? app)
    {
        if (head is not null && head.Owner == identity.UserId && (app is null || head.App == app))
        {
            return true;
        }

        await Problems.WriteAsync(context, StatusCodes.Status404NotFound, "JOB_NOT_FOUND", "There is no such job");
        return false;
    }
}
