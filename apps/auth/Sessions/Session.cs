using ServiceDefaults;

namespace Auth.Sessions;

/// <summary>Somebody has just proved who it is.</summary>
/// <param name="UserId">Account.</param>
/// <param name="Provider">By which way.</param>
/// <param name="Device">From what.</param>
public sealed record SignIn(string UserId, string Provider, Device Device);

/// <summary>What a person recognises a device by.</summary>
/// <param name="Id">The client's own id for itself, if it gave one.</param>
/// <param name="UserAgent">Header <c>User-Agent</c>, at most 200 characters.</param>
/// <param name="Address">IP address.</param>
public sealed record Device(string? Id, string? UserAgent, string? Address)
{
    private const int MaxLength = 200;

    /// <summary>The device of a request. The address is the one that the gateway saw.</summary>
    public static Device Of(HttpRequest request, string? id = null) =>
        new(Cut(id), Cut(request.Headers.UserAgent.ToString()), Cut(request.Headers[UserIdentity.AddressHeader].ToString()));

    private static string? Cut(string? text) => string.IsNullOrEmpty(text) ? null : text.Length > MaxLength ? text[..MaxLength] : text;
}

/// <summary>One sign-in on one device: the document <c>session:{id}</c>, kept as long as its refresh token is valid.</summary>
/// <param name="Id">Claim <c>sid</c>.</param>
/// <param name="UserId">Account.</param>
/// <param name="Provider">Way of the sign-in.</param>
/// <param name="Device">Where; null when it has ended.</param>
/// <param name="CreatedAt">When.</param>
/// <param name="Generation">Counts refreshes: only the refresh token of this generation is valid.</param>
/// <param name="RefreshedAt">When the tokens of this generation were issued.</param>
/// <param name="RefreshExpiresAt">When its refresh token expires.</param>
/// <param name="Access">Access tokens that may not have expired, oldest first; the last one is of this generation.</param>
/// <param name="End">Why and when it ended; null while it lasts.</param>
public sealed record Session(
    string Id, string UserId, string Provider, Device? Device, DateTimeOffset CreatedAt, int Generation, DateTimeOffset RefreshedAt,
    DateTimeOffset RefreshExpiresAt, IReadOnlyList<AccessGrant> Access, SessionEnd? End = null);

/// <summary>An access token of a session.</summary>
/// <param name="Generation">Of which refresh.</param>
/// <param name="ExpiresAt">When it expires.</param>
public sealed record AccessGrant(int Generation, DateTimeOffset ExpiresAt);

/// <summary>The end of a session before its time.</summary>
/// <param name="Reason">See <see cref="EndReasons"/>.</param>
/// <param name="At">When.</param>
public sealed record SessionEnd(string Reason, DateTimeOffset At);

/// <summary>The two tokens of a session.</summary>
public sealed record TokenPair(string SessionId, string AccessToken, DateTimeOffset AccessExpiresAt, string RefreshToken, DateTimeOffset RefreshExpiresAt);

/// <summary>Why sessions end, as their revocations say.</summary>
public static class EndReasons
{
    public const string Logout = "logout";
    public const string LogoutEverywhere = "logout_everywhere";
    public const string RefreshReused = "refresh_reused";
    public const string TooManySessions = "too_many_sessions";
    public const string TooManyTokens = "too_many_tokens";
    public const string UserDeleted = "user_deleted";
    public const string PasswordChanged = "password_changed";
    public const string RolesChanged = "roles_changed";
}
