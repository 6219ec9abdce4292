namespace Users.Accounts;

/// <summary>A way by which a person signs in to the account.</summary>
/// <param name="Provider">google, kakao, naver, password.</param>
/// <param name="ProviderUserId">Who the person is there; with the provider the key of <see cref="IdentityStore"/>.</param>
/// <param name="Email">What the provider said at the latest sign-in that came with one. Never a proof of who somebody is.</param>
/// <param name="CreatedAt">First sign-in by it.</param>
/// <param name="LastLoginAt">Latest sign-in by it.</param>
public sealed record LinkedAccount(string Provider, string ProviderUserId, string? Email, DateTimeOffset CreatedAt, DateTimeOffset LastLoginAt);
