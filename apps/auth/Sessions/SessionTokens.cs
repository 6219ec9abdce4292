using Auth.Keys;
using Auth.UserRoles;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Auth.Sessions;

/// <summary>Writes the tokens of a session's generation: with the same ids and times whenever they are written, so that an answer can be given again.</summary>
internal sealed class SessionTokens(KeyRing keys, RoleStore roles, IOptions<IdentityOptions> identity)
{
    /// <summary>Access tokens of one session that are valid at the same time, at most.</summary>
    public const int MaxAccess = 32;

    /// <summary>Claim <c>jti</c> of an access token.</summary>
    public static string AccessId(string sessionId, int generation) => Id("access", sessionId, generation);

    /// <summary>Claim <c>jti</c> of a refresh token.</summary>
    public static string RefreshId(string sessionId, int generation) => Id("refresh", sessionId, generation);

    /// <summary>The pair of the current generation, with the roles that the person has now and with the key that signs now.</summary>
    public async Task<TokenPair> IssueAsync(Session session, CancellationToken cancellationToken)
    {
        // After the session was written: whoever changes roles either was before this, or sees the session and takes the token back.
        var has = await roles.GetAsync(session.UserId, cancellationToken);
        var accessEnd = session.Access[^1].ExpiresAt;
        var access = new TokenClaims
        {
            Iss = identity.Value.Issuer,
            Aud = identity.Value.Audience,
            Sub = session.UserId,
            Jti = AccessId(session.Id, session.Generation),
            Sid = session.Id,
            Iat = session.RefreshedAt.ToUnixTimeSeconds(),
            Nbf = session.RefreshedAt.ToUnixTimeSeconds(),
            Exp = accessEnd.ToUnixTimeSeconds(),
            Provider = session.Provider,
            Roles = has,
        };
        var refresh = access with
        {
            Aud = TokenTypes.RefreshAudience,
            Jti = RefreshId(session.Id, session.Generation),
            Exp = session.RefreshExpiresAt.ToUnixTimeSeconds(),
            Roles = null,
        };
        return new TokenPair(
            session.Id, TokenWriter.Write(keys.Active, TokenTypes.Access, access), accessEnd,
            TokenWriter.Write(keys.Active, TokenTypes.Refresh, refresh), session.RefreshExpiresAt);
    }

    private static string Id(string kind, string sessionId, int generation) => Uuid5.Create(Uuid5.Dns, $"{kind}:{sessionId}:{generation}").ToString("N");
}
