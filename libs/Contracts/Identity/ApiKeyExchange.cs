namespace Contracts.Identity;

/// <summary>From the gateway to auth, <c>POST /internal/api-keys/exchange</c>: a token for an API key. May be repeated: each answer is a token of its own.</summary>
/// <param name="ApiKey">The key as its owner has it.</param>
public sealed record ExchangeApiKey(string ApiKey);

/// <summary>Answer to <see cref="ExchangeApiKey"/>; 401 INVALID_API_KEY for a key that is unknown, expired or revoked.</summary>
/// <param name="AccessToken">Speaks for the owner, within the scopes of the key.</param>
/// <param name="ExpiresAt">Its end.</param>
public sealed record ExchangedApiKey(string AccessToken, DateTimeOffset ExpiresAt);
