namespace Gateway.Security;

/// <summary>Who sends a request, as proved by a verified token.</summary>
/// <param name="UserId">User id, null without a token.</param>
/// <param name="Token">The token.</param>
/// <param name="ByCookie">Whether the browser sent it on its own, so that the request may have been forged by another site.</param>
internal readonly record struct Caller(string? UserId, string? Token, bool ByCookie);
