namespace Auth.Sessions;

internal sealed partial class SessionService
{
    /// <summary>
    /// Ends a session; false when there is none, or it is not this person's. Idempotent: ending it again finishes what was left, and the first
    /// reason stays.
    /// </summary>
    public async Task<bool> EndAsync(string id, string reason, string? userId, CancellationToken cancellationToken)
    {
        var session = await ChangeAsync(
            id, stored => stored.End is not null || (userId is not null && stored.UserId != userId) ? stored : Ended(stored, reason), cancellationToken);
        if (session?.End is null)
        {
            return false;
        }

        // Who asked may leave now: the end has begun and goes on.
        await FinishEndAsync(session, CancellationToken.None);
        return true;
    }

    /// <summary>Ends all sessions of a person, but for one if wanted.</summary>
    public async Task EndAllAsync(string userId, string reason, CancellationToken cancellationToken, string? except = null)
    {
        foreach (var entry in await index.GetAsync(userId, cancellationToken))
        {
            if (entry.Id != except && !await EndAsync(entry.Id, reason, userId, cancellationToken))
            {
                await index.RemoveAsync(userId, entry.Id, cancellationToken);
            }
        }
    }

    /// <summary>
    /// Takes the access tokens of a person back and leaves the sessions: the next refresh gives new ones, with what is true then. For changed roles.
    /// </summary>
    public async Task RevokeAccessAsync(string userId, string reason, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        foreach (var session in await ListAsync(userId, cancellationToken))
        {
            foreach (var grant in session.Access.Where(grant => !IsOver(grant, now)))
            {
                await revocations.RevokeAsync(SessionTokens.AccessId(session.Id, grant.Generation), grant.ExpiresAt, reason, cancellationToken);
            }
        }
    }

    private Session Ended(Session session, string reason) => session with { Device = null, End = new SessionEnd(reason, time.GetUtcNow()) };

    /// <summary>
    /// Revokes the access tokens, then takes the session off the list. A session that is not on the list is through with this, so that who
    /// uses a dead token again and again writes nothing.
    /// </summary>
    private async Task FinishEndAsync(Session session, CancellationToken cancellationToken)
    {
        var entries = await index.GetAsync(session.UserId, cancellationToken);
        if (entries.All(entry => entry.Id != session.Id))
        {
            return;
        }

        await revocations.RevokeAsync(session.Id, session.Access.Max(grant => grant.ExpiresAt), session.End!.Reason, cancellationToken);
        await index.RemoveAsync(session.UserId, session.Id, cancellationToken);
        LogEnded(logger, session.Id, session.UserId, session.End.Reason);
    }

    [LoggerMessage(2011, LogLevel.Information, "Session {SessionId} of {UserId} ended: {Reason}")]
    private static partial void LogEnded(ILogger logger, string sessionId, string userId, string reason);
}
