using Auth.Keys;
using Contracts.Identity;
using Microsoft.Extensions.Options;
using ServiceDefaults.Identity;

namespace Auth.ApiKeys;

/// <summary>Tokens of machine clients: short, since nothing refreshes them, and limited by scopes.</summary>
internal sealed class ApiKeyTokens(ApiKeyStore store, KeyRing keys, TimeProvider time, IOptions<AuthOptions> options, IOptions<IdentityOptions> identity)
{
    /// <summary>Claim <c>provider</c>.</summary>
    public const string Provider = "api-key";

    /// <summary>The valid key that a text is of, and the time before it was looked up: tokens count from then.</summary>
    public async Task<(ApiKey Key, DateTimeOffset At)?> VerifyAsync(string text, CancellationToken cancellationToken)
    {
        var at = time.GetUtcNow();
        return await store.VerifyAsync(text, cancellationToken) is { } key ? (key, at) : null;
    }

    /// <summary>A token for some of the scopes. It has the role <c>user</c> and no other, whatever its owner may do.</summary>
    public ExchangedApiKey Issue(ApiKey key, DateTimeOffset at, IEnumerable<string> scopes)
    {
        var end = at + options.Value.ApiKeyTokenLifetime;
        end = key.ExpiresAt < end ? key.ExpiresAt.Value : end;
        return new ExchangedApiKey(
            TokenWriter.Write(keys.Active, TokenTypes.Access, new TokenClaims
            {
                Iss = identity.Value.Issuer,
                Aud = identity.Value.Audience,
                Sub = key.UserId,
                Jti = Guid.CreateVersion7(at).ToString("N"),
                Sid = key.Id,
                Iat = at.ToUnixTimeSeconds(),
                Nbf = at.ToUnixTimeSeconds(),
                Exp = end.ToUnixTimeSeconds(),
                Provider = Provider,
                Roles = [Roles.User],
                Scope = string.Join(' ', scopes),
            }),
            end);
    }
}
