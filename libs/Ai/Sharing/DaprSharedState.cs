using System.Globalization;
using Dapr;
using Dapr.Client;

namespace Ai.Sharing;

/// <summary>The app's Dapr state store.</summary>
internal sealed class DaprSharedState(DaprClient dapr, string store) : ISharedState
{
    private static readonly StateOptions FirstWrite = new() { Concurrency = ConcurrencyMode.FirstWrite };

    public async Task<SharedDocument<T>> ReadAsync<T>(string key, CancellationToken cancellationToken) where T : class
    {
        var (value, etag) = await dapr.GetStateAndETagAsync<T?>(store, key, cancellationToken: cancellationToken);
        return value is null ? default : new SharedDocument<T>(value, etag);
    }

    public Task WriteAsync<T>(string key, T value, TimeSpan ttl, CancellationToken cancellationToken) where T : class =>
        dapr.SaveStateAsync(store, key, value, metadata: Metadata(ttl), cancellationToken: cancellationToken);

    public async Task<bool> TryReplaceAsync<T>(string key, T value, string? etag, TimeSpan ttl, CancellationToken cancellationToken) where T : class
    {
        if (etag is not null)
        {
            return await dapr.TrySaveStateAsync(store, key, value, etag, FirstWrite, Metadata(ttl), cancellationToken);
        }

        try
        {
            await dapr.SaveStateAsync(store, key, value, FirstWrite, Metadata(ttl), cancellationToken);
            return true;
        }
        catch (DaprException) when (!cancellationToken.IsCancellationRequested)
        {
            // Somebody else was first, or the store is away: the next read tells.
            return false;
        }
    }

    private static Dictionary<string, string> Metadata(TimeSpan ttl) =>
        new() { ["ttlInSeconds"] = Math.Max(1, (long)ttl.TotalSeconds).ToString(CultureInfo.InvariantCulture) };
}
