using System.ComponentModel.DataAnnotations;
using ServiceDefaults.Identity;

namespace Auth;

/// <summary>Settings of auth, section <c>Auth</c>.</summary>
public sealed class AuthOptions
{
    public const string Section = "Auth";

    /// <summary>Algorithm of new signing keys: <c>RS256</c> or <c>ES256</c>. Default RS256.</summary>
    [AllowedValues(TokenAlgorithms.Rs256, TokenAlgorithms.Es256)]
    public string Algorithm { get; set; } = TokenAlgorithms.Rs256;

    /// <summary>Lifetime of access tokens. Default 3 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan AccessLifetime { get; set; } = TimeSpan.FromMinutes(180);

    /// <summary>Lifetime of refresh tokens, and so of a session that is not used. Default 30 days.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "365.00:00:00")]
    public TimeSpan RefreshLifetime { get; set; } = TimeSpan.FromDays(30);

    /// <summary><c>POST /api/v1/auth/guest</c> gives anyone an identity. Default: on in Development, off elsewhere; on in Production stops the start.</summary>
    public bool? GuestLogin { get; set; }

    /// <summary>
    /// The first administrators: user ids, or <c>provider:provider user id</c> (for passwords <c>password:</c> and what the account was given).
    /// Whoever is listed has the role from the next sign-in or refresh on, as long as it is listed. Default none.
    /// </summary>
    public string[] Administrators { get; set; } = [];
}
