using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Contracts;
using Dapr;
using Dapr.Client;
using Microsoft.Extensions.Options;

namespace Desk.Products.Naver;

/// <summary>What was found for a query.</summary>
public sealed record KeptProducts(IReadOnlyList<Product> Products);

/// <summary>
/// Keeps what was found for all replicas, under <c>products:{hash}</c>; failures are not kept. Equal searches of a replica at the same time are one, which goes on when
/// those who wait for it leave: others will ask the same. Without the store every search is a new one.
/// </summary>
public sealed partial class ProductCache(
    DaprClient dapr, IOptions<NaverOptions> options, IOptions<ProductOptions> products, ProductMetrics metrics, TimeProvider time, ILogger<ProductCache> logger)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Task<IReadOnlyList<Product>>> _searches = new(StringComparer.Ordinal);

    /// <summary>What is kept under these words, else what the search finds.</summary>
    public Task<IReadOnlyList<Product>> GetAsync(
        IReadOnlyList<string> words, Func<CancellationToken, Task<IReadOnlyList<Product>>> search, CancellationToken cancellationToken)
    {
        var key = $"products:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', words))))}";
        Task<IReadOnlyList<Product>>? running;
        lock (_gate)
        {
            if (_searches.TryGetValue(key, out running))
            {
                metrics.Looked("shared");
            }
            else
            {
                _searches[key] = running = RunAsync(key, search);
            }
        }

        return running.WaitAsync(cancellationToken);
    }

    private async Task<IReadOnlyList<Product>> RunAsync(string key, Func<CancellationToken, Task<IReadOnlyList<Product>>> search)
    {
        // Not within the lock.
        await Task.Yield();
        try
        {
            using var limit = new CancellationTokenSource(products.Value.Timeout, time);
            if (await FindAsync(key, limit.Token) is { } kept)
            {
                metrics.Looked("hit");
                return kept.Products;
            }

            metrics.Looked("miss");
            var found = await search(limit.Token);
            await KeepAsync(key, found, limit.Token);
            return found;
        }
        finally
        {
            lock (_gate)
            {
                _searches.Remove(key);
            }
        }
    }

    private async Task<KeptProducts?> FindAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            return await dapr.GetStateAsync<KeptProducts?>(Components.StateStore, key, cancellationToken: cancellationToken);
        }
        catch (Exception exception) when (exception is DaprException or HttpRequestException)
        {
            LogAway(exception);
            return null;
        }
    }

    private async Task KeepAsync(string key, IReadOnlyList<Product> found, CancellationToken cancellationToken)
    {
        var ttl = found.Count > 0 ? options.Value.FoundKept : options.Value.NothingKept;
        try
        {
            await dapr.SaveStateAsync(
                Components.StateStore, key, new KeptProducts(found),
                metadata: new Dictionary<string, string> { ["ttlInSeconds"] = ((long)ttl.TotalSeconds).ToString(CultureInfo.InvariantCulture) },
                cancellationToken: cancellationToken);
        }
        catch (Exception exception) when (exception is DaprException or HttpRequestException or OperationCanceledException)
        {
            // What was found is found.
            LogAway(exception);
        }
    }

    [LoggerMessage(2250, LogLevel.Warning, "What was found for a query cannot be read or kept")]
    private partial void LogAway(Exception exception);
}
