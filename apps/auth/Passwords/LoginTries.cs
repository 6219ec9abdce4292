using System.Net;
using System.Security.Cryptography;
using Contracts;
using Dapr.Client;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Auth.Passwords;

/// <summary>Wrong passwords within a window: the documents <c>tries:account:{hash}</c> and <c>tries:address:{hash}</c>, kept until it ends.</summary>
/// <param name="Count">How many, those included that are being checked.</param>
/// <param name="Until">When they are forgotten.</param>
public sealed record TryCount(int Count, DateTimeOffset Until);

/// <summary>
/// Counts tries before they are hashed, so that replicas and restarts share the counts and simultaneous tries cannot all pass below the limit;
/// a right password takes its try back.
/// </summary>
internal sealed class LoginTries(DaprClient dapr, TimeProvider time, IOptions<PasswordOptions> options)
{
    private readonly PasswordOptions _options = options.Value;

    /// <summary>Until when no password is looked at; null when one may be. Cheap: it counts nothing.</summary>
    public async Task<DateTimeOffset?> BlockedUntilAsync(string emailHash, string? address, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var account = await dapr.GetStateAsync<TryCount?>(Components.StateStore, AccountKey(emailHash), cancellationToken: cancellationToken);
        var network = await dapr.GetStateAsync<TryCount?>(Components.StateStore, AddressKey(address), cancellationToken: cancellationToken);
        return Latest(Block(account, _options.TriesPerAccount, now), Block(network, _options.TriesPerAddress, now));
    }

    /// <summary>Counts a try for both; null, or until when it is refused.</summary>
    public async Task<DateTimeOffset?> CountAsync(string emailHash, string? address, CancellationToken cancellationToken) =>
        await CountAsync(AddressKey(address), _options.TriesPerAddress, cancellationToken)
        ?? await CountAsync(AccountKey(emailHash), _options.TriesPerAccount, cancellationToken);

    /// <summary>The password was right: the account begins anew, the address gets this try back.</summary>
    public async Task SucceededAsync(string emailHash, string? address, CancellationToken cancellationToken)
    {
        await dapr.DeleteStateAsync(Components.StateStore, AccountKey(emailHash), cancellationToken: cancellationToken);
        var now = time.GetUtcNow();
        await dapr.UpdateStateAsync<TryCount>(
            Components.StateStore, AddressKey(address),
            stored => stored is { Count: > 0 } && stored.Until > now ? stored with { Count = stored.Count - 1 } : stored!,
            _options.Window, cancellationToken);
    }

    private async Task<DateTimeOffset?> CountAsync(string key, int limit, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        DateTimeOffset? blocked = null;
        await dapr.UpdateStateAsync<TryCount>(
            Components.StateStore, key,
            stored =>
            {
                var current = stored is not null && stored.Until > now ? stored : new TryCount(0, now + _options.Window);
                blocked = Block(current, limit, now);
                return blocked is null ? current with { Count = current.Count + 1 } : stored!;
            },
            _options.Window, cancellationToken);
        return blocked;
    }

    private static DateTimeOffset? Block(TryCount? tries, int limit, DateTimeOffset now) => tries is not null && tries.Until > now && tries.Count >= limit ? tries.Until : null;

    private static DateTimeOffset? Latest(DateTimeOffset? a, DateTimeOffset? b) => a is null || b > a ? b ?? a : a;

    private static string AccountKey(string emailHash) => $"tries:account:{emailHash}";

    /// <summary>Addresses are personal data, so a hash stands for them.</summary>
    private static string AddressKey(string? address)
    {
        Span<byte> network = stackalloc byte[ClientNetwork.MaxLength];
        var length = ClientNetwork.Write(IPAddress.TryParse(address, out var parsed) ? parsed : null, network);
        return $"tries:address:{Convert.ToHexStringLower(SHA256.HashData(network[..length]))}";
    }
}
