namespace ServiceDefaults.Identity;

/// <summary>Who a valid access token speaks for.</summary>
/// <param name="UserId">Claim <c>sub</c>: user id; for a machine client the owner of its API key.</param>
/// <param name="SessionId">Claim <c>sid</c>: the sign-in it comes from, or the API key. Revoking it ends every token of the sign-in.</param>
/// <param name="TokenId">Claim <c>jti</c>.</param>
/// <param name="Provider">Claim <c>provider</c>: google, kakao, naver, password, guest, api-key.</param>
/// <param name="Roles">Claim <c>roles</c>, see <see cref="Contracts.Identity.Roles"/>.</param>
/// <param name="Scopes">Claim <c>scope</c> of a machine client; null for people, who are not limited by scopes.</param>
/// <param name="IssuedAt">Claim <c>iat</c>.</param>
/// <param name="ExpiresAt">Claim <c>exp</c>.</param>
public sealed record Identity(
    string UserId, string SessionId, string TokenId, string Provider, IReadOnlyList<string> Roles, IReadOnlyList<string>? Scopes,
    DateTimeOffset IssuedAt, DateTimeOffset ExpiresAt)
{
    /// <summary>The roles as <see cref="UserIdentity.RolesHeader"/> carries them.</summary>
    public string RolesText => field ??= string.Join(',', Roles);
}
