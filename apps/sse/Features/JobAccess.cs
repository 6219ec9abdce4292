using Contracts.Identity;
using Contracts.Jobs;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Sse.Features;

/// <summary>Who may read a log: the owner, proved by a token that is verified here. No header names a user.</summary>
internal sealed class JobAccess(RequestTokens tokens)
{
    /// <summary>The identity; null after the refusal was written.</summary>
    public async ValueTask<Identity?> AuthenticateAsync(HttpContext context)
    {
        var caller = tokens.Check(context.Request);
        if (caller.Identity is null)
        {
            await RequestTokens.RefuseAsync(context, caller.Failure);
            return null;
        }

        if (!caller.Identity.May(Scopes.Jobs))
        {
            await ScopeRules.RefuseAsync(context, Scopes.Jobs);
            return null;
        }

        return caller.Identity;
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
