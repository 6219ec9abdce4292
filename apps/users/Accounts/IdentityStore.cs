using System.Security.Cryptography;
using System.Text;
using Contracts;
using Dapr.Client;
using ServiceDefaults;

namespace Users.Accounts;

/// <summary>Whose account an identity of a provider is: the document <c>identity:{sha256(provider:provider user id)}</c>.</summary>
public sealed record IdentityDocument(string UserId, DateTimeOffset CreatedAt);

/// <summary>Finds the account of an identity, and gives new ones a user id once and for all.</summary>
internal sealed class IdentityStore(DaprClient dapr)
{
    /// <summary>The user id of an identity; the first of any number of concurrent callers decides which.</summary>
    public async Task<string> FindOrCreateAsync(string provider, string providerUserId, DateTimeOffset at, CancellationToken cancellationToken)
    {
        var identity = await dapr.UpdateStateAsync<IdentityDocument>(
            Components.StateStore, Key(provider, providerUserId),
            stored => stored ?? new IdentityDocument(Guid.CreateVersion7(at).ToString(), at), cancellationToken: cancellationToken);
        return identity.UserId;
    }

    /// <summary>The account is deleted: whoever signs in by this identity again gets a new one. Changes nothing when it belongs to another account by now.</summary>
    public async Task ReleaseAsync(string provider, string providerUserId, string userId, CancellationToken cancellationToken)
    {
        var key = Key(provider, providerUserId);
        while (true)
        {
            var (stored, etag) = await dapr.GetStateAndETagAsync<IdentityDocument?>(Components.StateStore, key, cancellationToken: cancellationToken);
            if (stored?.UserId != userId || await dapr.TryDeleteStateAsync(Components.StateStore, key, etag, cancellationToken: cancellationToken))
            {
                return;
            }
        }
    }

    /// <summary>The state key. A hash, because ids of providers may hold anything and be of any length.</summary>
    public static string Key(string provider, string providerUserId) =>
        $"identity:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{provider}:{providerUserId}")))}";
}
