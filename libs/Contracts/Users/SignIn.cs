namespace Contracts.Users;

/// <summary>
/// Command from auth to users, <c>POST /internal/users/sign-in</c>: finds or creates the account of somebody whom an identity provider (or a
/// password) has proved. Idempotent by provider and provider user id.
/// </summary>
/// <param name="Provider">google, kakao, naver, password or guest.</param>
/// <param name="ProviderUserId">Who it is for that provider.</param>
/// <param name="At">When the person signed in.</param>
/// <param name="Email">If known.</param>
/// <param name="Nickname">If known; used only for a new account.</param>
/// <param name="ProfileImageUrl">If known; used only for a new account.</param>
public sealed record SignInUser(
    string Provider, string ProviderUserId, DateTimeOffset At, string? Email = null, string? Nickname = null, string? ProfileImageUrl = null);

/// <summary>Answer to <see cref="SignInUser"/>.</summary>
/// <param name="UserId">The account.</param>
/// <param name="IsNew">Whether it was created by this call, or by an earlier try of it.</param>
public sealed record SignedInUser(string UserId, bool IsNew);
