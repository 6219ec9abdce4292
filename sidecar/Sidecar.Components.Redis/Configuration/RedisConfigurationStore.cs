using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;
using Sidecar.Redis;

namespace Sidecar.Components.Redis.Configuration;

/// <summary>
/// <c>configuration.redis</c> (dapr/config §12): an item is a string <c>value||version</c> under its own name; keys of other types are none.
/// </summary>
internal sealed partial class RedisConfigurationStore(ComponentContext context) : RedisComponent(context), IConfigurationStore
{
    private const string Separator = "||";

    /// <summary>Keys read by one command.</summary>
    private const int KeysPerRead = 500;

    private static readonly ConfigurationItem Removed = new("", "", ComponentMetadata.Empty);

    public async ValueTask<IReadOnlyDictionary<string, ConfigurationItem>> GetAsync(
        IReadOnlyList<string> keys, ComponentMetadata metadata, CancellationToken cancellationToken)
    {
        var items = new Dictionary<string, ConfigurationItem>(StringComparer.Ordinal);
        foreach (var (key, stored) in await ReadAsync(keys, cancellationToken))
        {
            if (stored is not null)
            {
                items[key] = Decode(stored);
            }
        }

        return items;
    }

    public async Task<IAsyncDisposable> SubscribeAsync(
        IReadOnlyList<string> keys, ComponentMetadata metadata, Action<string, ConfigurationItem> changed, CancellationToken cancellationToken)
    {
        var subscription = new RedisConfigurationSubscription(this, keys, (key, stored) => changed(key, stored is null ? Removed : Decode(stored)));
        try
        {
            await subscription.StartAsync(cancellationToken);
            return subscription;
        }
        catch
        {
            await subscription.DisposeAsync();
            throw;
        }
    }

    internal new RedisClient Client => base.Client;

    internal int Database => Options.Database;

    /// <summary>Sees to it that the server announces changes.</summary>
    internal async Task EnableEventsAsync(CancellationToken cancellationToken)
    {
        if (await KeyspaceEvents.EnableAsync(Client, Options.ToString(), cancellationToken) is { } doubt)
        {
            LogDoubt(Logger, Context.Name, doubt);
        }
    }

    /// <summary>What the keys hold, or all keys when none is named; null for what is absent or no string.</summary>
    internal async Task<IReadOnlyList<(string Key, string? Stored)>> ReadAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        string[] names = keys.Count > 0 ? [.. keys] : [.. await RedisKeys.ScanAsync(Client, "", cancellationToken)];
        var chunks = await Task.WhenAll(names.Chunk(KeysPerRead).Select(async chunk =>
        {
            var values = await Client.ExecuteAsync(RedisCommand.Of("MGET", chunk.Select(name => (RedisArgument)name).ToArray()), cancellationToken);
            return chunk.Select((name, index) => (name, values[index].AsString())).ToArray();
        }));
        return [.. chunks.SelectMany(chunk => chunk)];
    }

    internal void LogReadFailed(Exception exception) => LogReadFailed(Logger, Context.Name, exception.Message);

    private static ConfigurationItem Decode(string stored)
    {
        var separator = stored.LastIndexOf(Separator, StringComparison.Ordinal);
        return separator < 0
            ? new ConfigurationItem(stored, "", ComponentMetadata.Empty)
            : new ConfigurationItem(stored[..separator], stored[(separator + Separator.Length)..], ComponentMetadata.Empty);
    }

    [LoggerMessage(2440, LogLevel.Warning, "configuration {Name}: {Doubt}")]
    private static partial void LogDoubt(ILogger logger, string name, string doubt);

    [LoggerMessage(2441, LogLevel.Warning, "configuration {Name}: changed items cannot be read yet: {Problem}; they are read again")]
    private static partial void LogReadFailed(ILogger logger, string name, string problem);
}
