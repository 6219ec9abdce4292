using System.Globalization;
using Contracts;
using Dapr.Client;

namespace EventRouter.Logs;

/// <summary><see cref="ILogStore"/> on the <c>joblog</c> component.</summary>
internal sealed class DaprLogStore(DaprClient dapr) : ILogStore
{
    private const int ReadParallelism = 8;

    private static readonly StateOptions FirstWrite = new() { Concurrency = ConcurrencyMode.FirstWrite };

    public async Task<(T? Value, string ETag)> ReadAsync<T>(string key, CancellationToken cancellationToken) where T : class
    {
        var (value, etag) = await dapr.GetStateAndETagAsync<T>(Components.JobLog, key, cancellationToken: cancellationToken);
        return (value, etag);
    }

    public async Task<IReadOnlyList<T>> ReadManyAsync<T>(IReadOnlyList<string> keys, CancellationToken cancellationToken) where T : class
    {
        if (keys.Count == 0)
        {
            return [];
        }

        var items = await dapr.GetBulkStateAsync<T>(Components.JobLog, keys, ReadParallelism, cancellationToken: cancellationToken);
        return [.. items.Select(item => item.Value).Where(value => value is not null)];
    }

    public Task CreateAsync<T>(string key, T value, TimeSpan ttl, CancellationToken cancellationToken) where T : class =>
        dapr.SaveStateAsync(Components.JobLog, key, value, FirstWrite, Ttl(ttl), cancellationToken);

    public Task<bool> ReplaceAsync<T>(string key, T value, string etag, TimeSpan ttl, CancellationToken cancellationToken) where T : class =>
        dapr.TrySaveStateAsync(Components.JobLog, key, value, etag, FirstWrite, Ttl(ttl), cancellationToken);

    public Task WriteAsync<T>(string key, T value, TimeSpan ttl, CancellationToken cancellationToken) where T : class =>
        dapr.SaveStateAsync(Components.JobLog, key, value, metadata: Ttl(ttl), cancellationToken: cancellationToken);

    public Task DeleteAsync(string key, CancellationToken cancellationToken) =>
        dapr.DeleteStateAsync(Components.JobLog, key, cancellationToken: cancellationToken);

    private static Dictionary<string, string> Ttl(TimeSpan ttl) =>
        new(1) { ["ttlInSeconds"] = ((long)Math.Max(60, Math.Ceiling(ttl.TotalSeconds))).ToString(CultureInfo.InvariantCulture) };
}
