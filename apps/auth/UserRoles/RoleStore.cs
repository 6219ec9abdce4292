using System.Security.Cryptography;
using System.Text;
using Contracts;
using Contracts.Identity;
using Dapr.Client;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Auth.UserRoles;

/// <summary>What a person may do: the document <c>roles:{user id}</c>, without an end.</summary>
/// <param name="Roles">Given by an administrator; <c>user</c> is not listed, everybody has it.</param>
/// <param name="Identity">SHA-256 of the <c>provider:provider user id</c> by which <see cref="AuthOptions.Administrators"/> listed the person.</param>
public sealed record RoleDocument(IReadOnlyList<string> Roles, string? Identity = null);

/// <summary>The roles of people, which their tokens carry.</summary>
internal sealed partial class RoleStore(DaprClient dapr, IOptions<AuthOptions> options)
{
    /// <summary>
    /// The roles for a token. Read them after the session's own document was written: then a change of roles either is seen here, or sees the
    /// session and takes the token back.
    /// </summary>
    public async Task<string[]> GetAsync(string userId, CancellationToken cancellationToken)
    {
        var stored = await FindAsync(userId, cancellationToken);
        return
        [
            .. new[] { Roles.User }
                .Concat(IsConfigured(userId, stored) ? [Roles.Admin] : [])
                .Concat(stored?.Roles ?? [])
                .Distinct(StringComparer.Ordinal),
        ];
    }

    /// <summary>Remembers that the option lists this way of signing in: tokens know the user id alone.</summary>
    public async Task SignedInAsync(string provider, string providerUserId, string userId, CancellationToken cancellationToken)
    {
        var identity = $"{provider}:{providerUserId}";
        if (options.Value.Administrators.Contains(identity, StringComparer.Ordinal))
        {
            var hash = Hash(identity);
            await dapr.UpdateStateAsync<RoleDocument>(
                Components.StateStore, Key(userId),
                stored => stored?.Identity == hash ? stored : (stored ?? new RoleDocument([])) with { Identity = hash }, cancellationToken: cancellationToken);
        }
    }

    private Task<RoleDocument?> FindAsync(string userId, CancellationToken cancellationToken) =>
        dapr.GetStateAsync<RoleDocument?>(Components.StateStore, Key(userId), cancellationToken: cancellationToken);

    private static string Hash(string identity) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(identity)));

    private static string Key(string userId) => $"roles:{userId}";

    private bool IsConfigured(string userId, RoleDocument? stored) =>
        options.Value.Administrators.Contains(userId, StringComparer.Ordinal)
        || (stored?.Identity is { } identity && options.Value.Administrators.Select(Hash).Contains(identity, StringComparer.Ordinal));
}
