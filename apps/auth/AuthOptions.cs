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

    /// <summary>How long a signing key signs before the next one takes its place. Default 90 days.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "3650.00:00:00")]
    public TimeSpan KeyLifetime { get; set; } = TimeSpan.FromDays(90);

    /// <summary>
    /// How long a new key is published before it signs: at least <see cref="IdentityOptions.KeyRefresh"/> of the apps that verify and
    /// <see cref="KeyReload"/> together, so that everybody knows it by then. Default 10 min.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "7.00:00:00")]
    public TimeSpan KeyOverlap { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How often a replica reads the keys that it shares with the others. Default 10 s; for an id that it does not know after 500 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan KeyReload { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Lifetime of access tokens. Default 3 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan AccessLifetime { get; set; } = TimeSpan.FromMinutes(180);

    /// <summary>Lifetime of refresh tokens, and so of a session that is not used. Default 30 days.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "365.00:00:00")]
    public TimeSpan RefreshLifetime { get; set; } = TimeSpan.FromDays(30);

    /// <summary>
    /// How long the refresh token before the last one gets the same pair again: an answer can be lost, and two tabs can refresh at once. Default 10 s;
    /// 0 ends the session at the second use whatever the reason.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00")]
    public TimeSpan RefreshGrace { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Sessions of one person at the same time; one more ends the oldest. Default 20.</summary>
    [Range(1, 100)]
    public int MaxSessionsPerUser { get; set; } = 20;

    /// <summary><c>POST /api/v1/auth/guest</c> gives anyone an identity. Default: on in Development, off elsewhere; on in Production stops the start.</summary>
    public bool? GuestLogin { get; set; }

    /// <summary>
    /// The first administrators: user ids, or <c>provider:provider user id</c> (for passwords <c>password:</c> and what the account was given).
    /// Whoever is listed has the role from the next sign-in or refresh on, as long as it is listed. Default none.
    /// </summary>
    public string[] Administrators { get; set; } = [];

    /// <summary>Lifetime of an access token that an API key was traded for. Default 15 min; nothing refreshes it, the key is traded again.</summary>
    [Range(typeof(TimeSpan), "00:00:10", "1.00:00:00")]
    public TimeSpan ApiKeyTokenLifetime { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>API keys that a person may have. Default 20.</summary>
    [Range(1, 1000)]
    public int MaxApiKeys { get; set; } = 20;

    /// <summary>Entries kept in the login audit of a person. Default 100.</summary>
    [Range(1, 1000)]
    public int AuditKept { get; set; } = 100;

    /// <summary>Time limit of one try to find or create an account in users. Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00")]
    public TimeSpan UsersTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How often such a call is repeated after a failure. Default 3.</summary>
    [Range(0, 10)]
    public int UsersRetries { get; set; } = 3;

    /// <summary>First pause before a repetition; doubles up to <see cref="UsersMaxRetryDelay"/>, with jitter. Default 100 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:00:10")]
    public TimeSpan UsersRetryDelay { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Longest pause. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:01:00")]
    public TimeSpan UsersMaxRetryDelay { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Failures in a row after which users is not asked any more for <see cref="UsersBreak"/>. Default 5.</summary>
    [Range(2, 1000)]
    public int UsersBreakAfter { get; set; } = 5;

    /// <summary>How long users is left alone then. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.5", "1.00:00:00")]
    public TimeSpan UsersBreak { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Time between two heartbeats of revocations. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.05", "00:01:00")]
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Time limit of publishing one; what it held goes with the next. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00")]
    public TimeSpan AnnouncementTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>When the last token of a session that is not refreshed any more has expired.</summary>
    internal TimeSpan SessionLifetime => AccessLifetime > RefreshLifetime ? AccessLifetime : RefreshLifetime;
}
