using Auth.Audit;
using Auth.Revocations;
using Contracts;
using Dapr.Client;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Auth.Sessions;

/// <summary>
/// Sessions, from sign-in to end. Every step is one compare-and-set, in an order in which a kill between two of them leaves nothing valid that was
/// ended and loses nothing that was given out:
/// <list type="number">
/// <item>start: the session, then its place in the list, then the tokens. A session without a place has given out no token.</item>
/// <item>refresh (<c>SessionService.Refresh.cs</c>): the place is extended, then the generation counts up, then the tokens.</item>
/// <item>end (<c>SessionService.End.cs</c>): the session is marked, which closes its refresh; its access tokens are revoked; it leaves the list.</item>
/// </list>
/// A step that fails is done again by whoever repeats the request, or by the next one who meets the session.
/// </summary>
internal sealed partial class SessionService(
    DaprClient dapr, SessionIndex index, SessionTokens tokens, RevocationStore revocations, TimeProvider time, TokenVerifier verifier,
    LoginAudit audit, IOptions<AuthOptions> options, IOptions<IdentityOptions> identity, ILogger<SessionService> logger)
{
    private readonly AuthOptions _options = options.Value;

    /// <summary>A new session and its first tokens. The oldest sessions above <see cref="AuthOptions.MaxSessionsPerUser"/> end.</summary>
    public async Task<TokenPair> StartAsync(SignIn signIn, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        // The id is always our own: nothing that a client brings can become the id of a session (ASVS V7.2.4).
        var session = new Session(
            Guid.CreateVersion7(now).ToString("N"), signIn.UserId, signIn.Provider, signIn.Device, now, 1, now, now + _options.RefreshLifetime,
            [new AccessGrant(1, now + _options.AccessLifetime)]);
        await dapr.UpdateStateAsync<Session>(Components.StateStore, Key(session.Id), _ => session, _options.SessionLifetime, cancellationToken);
        var entries = await index.AddAsync(session.UserId, new SessionEntry(session.Id, now + _options.SessionLifetime), cancellationToken);
        foreach (var entry in entries.Take(entries.Count - _options.MaxSessionsPerUser).Where(entry => entry.Id != session.Id))
        {
            await EndAsync(entry.Id, EndReasons.TooManySessions, session.UserId, cancellationToken);
        }

        return await tokens.IssueAsync(session, cancellationToken);
    }

    /// <summary>The sessions of a person that last, oldest first. Ends that were not finished are finished on the way.</summary>
    public async Task<IReadOnlyList<Session>> ListAsync(string userId, CancellationToken cancellationToken)
    {
        var entries = await index.GetAsync(userId, cancellationToken);
        var sessions = await Task.WhenAll(entries.Select(entry => GetAsync(entry.Id, cancellationToken)));
        foreach (var ended in sessions.OfType<Session>().Where(session => session.End is not null))
        {
            await FinishEndAsync(ended, cancellationToken);
        }

        var now = time.GetUtcNow();
        return [.. sessions.OfType<Session>().Where(session => session.End is null && session.RefreshExpiresAt > now)];
    }

    private static string Key(string id) => $"session:{id}";

    private Task<Session?> GetAsync(string id, CancellationToken cancellationToken) =>
        dapr.GetStateAsync<Session?>(Components.StateStore, Key(id), cancellationToken: cancellationToken);

    /// <summary>Changes a session; null when there is none.</summary>
    private Task<Session?> ChangeAsync(string id, Func<Session, Session> change, CancellationToken cancellationToken) =>
        dapr.UpdateStateAsync<Session>(
            Components.StateStore, Key(id), stored => stored is null ? null! : change(stored), _options.SessionLifetime, cancellationToken)!;
}
