using Auth.Keys;
using Auth.UserRoles;
using Contracts;
using Dapr.Client;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Auth.Sessions;

/// <summary>Begins sessions and issues their tokens.</summary>
internal sealed class SessionService(
    DaprClient dapr, KeyRing keys, TimeProvider time, RoleStore roles, IOptions<AuthOptions> options, IOptions<IdentityOptions> identity)
{
    /// <summary>A new session and its first tokens.</summary>
    public async Task<TokenPair> StartAsync(SignIn signIn, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var session = new Session(Guid.CreateVersion7(now).ToString("N"), signIn.UserId, signIn.Provider, signIn.Device, now, 1, now);
        await dapr.UpdateStateAsync<Session>(
            Components.StateStore, Key(session.Id), _ => session, options.Value.RefreshLifetime, cancellationToken);
        return Issue(session, await roles.GetAsync(signIn.UserId, cancellationToken));
    }

    private static string Key(string id) => $"session:{id}";

    /// <summary>The tokens of the session's generation: the same ids whenever they are issued again.</summary>
    private TokenPair Issue(Session session, string[] roles)
    {
        var (issued, accessEnd, refreshEnd) = (session.RefreshedAt, session.RefreshedAt + options.Value.AccessLifetime, session.RefreshedAt + options.Value.RefreshLifetime);
        TokenClaims Claims(string kind, string audience, DateTimeOffset end) => new()
        {
            Iss = identity.Value.Issuer,
            Aud = audience,
            Sub = session.UserId,
            Jti = Uuid5.Create(Uuid5.Dns, $"{kind}:{session.Id}:{session.Generation}").ToString("N"),
            Sid = session.Id,
            Iat = issued.ToUnixTimeSeconds(),
            Nbf = issued.ToUnixTimeSeconds(),
            Exp = end.ToUnixTimeSeconds(),
            Provider = session.Provider,
            Roles = roles,
        };
        return new TokenPair(
            session.Id,
            TokenWriter.Write(keys.Active, TokenTypes.Access, Claims("access", identity.Value.Audience, accessEnd)), accessEnd,
            TokenWriter.Write(keys.Active, TokenTypes.Refresh, Claims("refresh", TokenTypes.RefreshAudience, refreshEnd)), refreshEnd);
    }
}
