using Auth.Audit;
using ServiceDefaults.Identity;

namespace Auth.Sessions;

internal sealed partial class SessionService
{
    /// <summary>
    /// Trades a refresh token for the next pair (rotation, RFC 9700 §4.14.2). The token of the generation before gets the same pair again for
    /// <see cref="AuthOptions.RefreshGrace"/>: an answer can be lost, and two tabs can ask at the same time. An older one was stolen, or its
    /// successor was: the session ends.
    /// </summary>
    public async Task<(TokenFailure Failure, TokenPair? Pair)> RefreshAsync(string token, Device device, CancellationToken cancellationToken)
    {
        if (verifier.Verify(token, TokenTypes.Refresh, TokenTypes.RefreshAudience, out var claims) is var failure and not TokenFailure.None)
        {
            return (failure, null);
        }

        var now = time.GetUtcNow();
        var session = await GetAsync(claims!.Sid, cancellationToken);
        var use = Judge(session, claims, now);
        if (use == RefreshUse.Next)
        {
            // Before the generation counts up: otherwise a session could outlive its place in the list, and logging out everywhere would miss it.
            await index.ExtendAsync(session!.UserId, new SessionEntry(session.Id, now + _options.SessionLifetime), cancellationToken);
            await RevokeOverflowAsync(session, now, cancellationToken);
        }

        if (use is RefreshUse.Next or RefreshUse.Reused)
        {
            var proposed = 0;
            session = await ChangeAsync(claims.Sid, stored =>
            {
                // Our own write, whose answer was lost: it is not a second use.
                if (proposed > 0 && stored.Generation == proposed && stored.RefreshedAt == now)
                {
                    use = RefreshUse.Next;
                    return stored;
                }

                use = Judge(stored, claims, now);
                proposed = stored.Generation + 1;
                return use switch
                {
                    RefreshUse.Next => Next(stored, now),
                    RefreshUse.Reused => Ended(stored, EndReasons.RefreshReused),
                    _ => stored,
                };
            }, cancellationToken);
        }

        if (session is not null && use is RefreshUse.Next or RefreshUse.Again)
        {
            return (TokenFailure.None, await tokens.IssueAsync(session!, cancellationToken));
        }

        if (session is { End: not null })
        {
            await FinishEndAsync(session, CancellationToken.None);
            if (use == RefreshUse.Reused)
            {
                LogReused(logger, session.Id, session.UserId, session.Generation);
                await audit.RecordAsync(LoginOutcome.Failure, session.Provider, session.UserId, device, EndReasons.RefreshReused, cancellationToken);
            }
        }

        return (TokenFailure.Revoked, null);
    }

    /// <summary>What using this token means to the session as it is stored.</summary>
    private RefreshUse Judge(Session? session, TokenClaims claims, DateTimeOffset now) => session switch
    {
        null or { End: not null } => RefreshUse.Refused,
        _ when session.UserId != claims.Sub => RefreshUse.Refused,
        _ when claims.Jti == SessionTokens.RefreshId(session.Id, session.Generation) => RefreshUse.Next,
        _ when claims.Jti == SessionTokens.RefreshId(session.Id, session.Generation - 1) && now < session.RefreshedAt + _options.RefreshGrace => RefreshUse.Again,
        _ => RefreshUse.Reused,
    };

    private Session Next(Session session, DateTimeOffset now) => session with
    {
        Generation = session.Generation + 1,
        RefreshedAt = now,
        RefreshExpiresAt = now + _options.RefreshLifetime,
        Access =
        [
            .. session.Access.Where(grant => !IsOver(grant, now)).TakeLast(SessionTokens.MaxAccess - 1),
            new AccessGrant(session.Generation + 1, now + _options.AccessLifetime),
        ],
    };

    private bool IsOver(AccessGrant grant, DateTimeOffset now) => grant.ExpiresAt + identity.Value.Leeway < now;

    /// <summary>Somebody who refreshes much too often loses the oldest access tokens: the session must know all that are valid.</summary>
    private async Task RevokeOverflowAsync(Session session, DateTimeOffset now, CancellationToken cancellationToken)
    {
        foreach (var grant in session.Access.Where(grant => !IsOver(grant, now)).SkipLast(SessionTokens.MaxAccess - 1))
        {
            await revocations.RevokeAsync(SessionTokens.AccessId(session.Id, grant.Generation), grant.ExpiresAt, EndReasons.TooManyTokens, cancellationToken);
        }
    }

    private enum RefreshUse
    {
        /// <summary>No such session, or it has ended, or the token is not of its person.</summary>
        Refused,

        /// <summary>The token of the current generation.</summary>
        Next,

        /// <summary>The one before, within the grace.</summary>
        Again,

        /// <summary>Any other token of ours.</summary>
        Reused,
    }

    [LoggerMessage(2010, LogLevel.Warning, "Session {SessionId} of {UserId} ended: an old refresh token was used in generation {Generation}")]
    private static partial void LogReused(ILogger logger, string sessionId, string userId, int generation);
}
