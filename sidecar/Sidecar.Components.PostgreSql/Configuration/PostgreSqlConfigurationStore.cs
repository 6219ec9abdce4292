using Sidecar.Abstractions;
using Sidecar.Components.PostgreSql.Connections;

namespace Sidecar.Components.PostgreSql.Configuration;

/// <summary>
/// <c>configuration.postgresql</c> (dapr/config §12): rows of metadata <c>table</c>, which an operator keeps. Changes come over the channel that the
/// subscription (<c>pgNotifyChannel</c>) or the component (<c>notifyChannel</c>) names, from a trigger on the table; docs/postgresql.md has both.
/// </summary>
internal sealed class PostgreSqlConfigurationStore(ComponentContext context, Shared<string, ConnectionPool> pools) : IConfigurationStore
{
    private readonly SemaphoreSlim _turn = new(1);
    private readonly Dictionary<string, ConfigurationListener> _listeners = new(StringComparer.Ordinal);
    private Database _database = null!;
    private ConfigurationTable _table = null!;

    public async Task InitAsync(CancellationToken cancellationToken)
    {
        var name = SqlName.Table("table", context.Metadata.Required("table"));
        _database = new Database(context, pools);
        try
        {
            _table = new ConfigurationTable(_database, name);
            await _database.CheckServerAsync(cancellationToken);
            await _table.CheckAsync(cancellationToken);
        }
        catch
        {
            await _database.DisposeAsync();
            throw;
        }
    }

    public async ValueTask<IReadOnlyDictionary<string, ConfigurationItem>> GetAsync(
        IReadOnlyList<string> keys, ComponentMetadata metadata, CancellationToken cancellationToken) => await _table.ReadAsync(keys, cancellationToken);

    public async Task<IAsyncDisposable> SubscribeAsync(
        IReadOnlyList<string> keys, ComponentMetadata metadata, Action<string, ConfigurationItem> changed, CancellationToken cancellationToken)
    {
        var channel = (metadata["pgNotifyChannel"] ?? context.Metadata["notifyChannel"]) is { Length: > 0 } name
            ? SqlName.Word("pgNotifyChannel", name).ToLowerInvariant()
            : throw new ComponentException("a subscription needs metadata 'pgNotifyChannel', or the component 'notifyChannel': the channel of the table's trigger");
        var subscription = new ConfigurationListener.Subscription(keys, changed);
        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (!_listeners.TryGetValue(channel, out var listener))
            {
                listener = new ConfigurationListener(_database, _table, channel, context.Name);
                await listener.StartAsync(cancellationToken);
                _listeners.Add(channel, listener);
            }

            listener.Add(subscription);
            return new Listening(this, channel, listener, subscription);
        }
        finally
        {
            _turn.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var listener in _listeners.Values)
        {
            await listener.DisposeAsync();
        }

        if (_database is not null)
        {
            await _database.DisposeAsync();
        }
    }

    private async ValueTask EndAsync(string channel, ConfigurationListener listener, ConfigurationListener.Subscription subscription)
    {
        await _turn.WaitAsync();
        try
        {
            if (listener.Remove(subscription))
            {
                _listeners.Remove(channel);
                await listener.DisposeAsync();
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    private sealed class Listening(
        PostgreSqlConfigurationStore store, string channel, ConfigurationListener listener, ConfigurationListener.Subscription subscription) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => store.EndAsync(channel, listener, subscription);
    }
}
