using Microsoft.Extensions.Logging;
using Npgsql;
using Sidecar.Abstractions;
using Sidecar.Components.PostgreSql.Connections;

namespace Sidecar.Components.PostgreSql.Configuration;

/// <summary>
/// Listens on one channel, on a connection of its own, for all subscriptions to it. What it was told last of each key is known here, so that after a
/// broken connection the table is read and every difference is told: of several changes meanwhile the last, and none of them is lost.
/// </summary>
internal sealed partial class ConfigurationListener(Database database, ConfigurationTable table, string channel, string component) : IAsyncDisposable
{
    private static readonly ConfigurationItem Removed = new("", "", ComponentMetadata.Empty);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly List<Subscription> _subscriptions = [];
    private Queue<string> _payloads = [];
    private Dictionary<string, ConfigurationItem> _known = [];
    private Task _running = Task.CompletedTask;

    /// <summary>Begins to listen; changes after it returned are told.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var connection = await ListenAsync(cancellationToken);
        try
        {
            _known = await table.ReadAsync([], cancellationToken);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }

        _running = RunAsync(connection, _stop.Token);
    }

    public void Add(Subscription subscription)
    {
        lock (_gate)
        {
            _subscriptions.Add(subscription);
        }
    }

    /// <summary>When it returns nothing more is told. True when there are no others.</summary>
    public bool Remove(Subscription subscription)
    {
        lock (_gate)
        {
            return _subscriptions.Remove(subscription) && _subscriptions.Count == 0;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task<NpgsqlConnection> ListenAsync(CancellationToken cancellationToken)
    {
        // One queue per connection: that of an earlier one may still be written to while it ends.
        var payloads = _payloads = [];
        return await database.OpenOwnAsync(
            $"LISTEN {channel}", connection => connection.Notification += (_, notification) => payloads.Enqueue(notification.Payload), cancellationToken);
    }

    private async Task RunAsync(NpgsqlConnection connection, CancellationToken stop)
    {
        while (true)
        {
            try
            {
                await ReceiveAsync(connection, stop);
            }
            catch (Exception exception) when (!stop.IsCancellationRequested)
            {
                LogBroken(database.Logger, component, channel, exception.Message);
            }
            finally
            {
                // Not waited for: the server may be frozen.
                _ = connection.DisposeAsync().AsTask();
            }

            connection = await AgainAsync(stop);
        }
    }

    /// <summary>Until the connection breaks. A server that went without a word is found out by asking it now and then.</summary>
    private async Task ReceiveAsync(NpgsqlConnection connection, CancellationToken stop)
    {
        while (true)
        {
            while (_payloads.TryDequeue(out var payload))
            {
                await TakeAsync(payload, stop);
            }

            if (!await connection.WaitAsync(ProbeInterval, stop))
            {
                var probe = new NpgsqlCommand("SELECT 1", connection);
                await probe.ExecuteNonQueryAsync(CancellationToken.None).WaitAsync(database.Settings.Timeout, stop);
            }
        }
    }

    /// <summary>Listens again and tells what changed meanwhile, until that has worked.</summary>
    private async Task<NpgsqlConnection> AgainAsync(CancellationToken stop)
    {
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            await Task.Delay(pause, stop);
            NpgsqlConnection? connection = null;
            try
            {
                connection = await ListenAsync(stop);
                var items = await table.ReadAsync([], stop);
                foreach (var key in _known.Keys.Union(items.Keys).ToArray())
                {
                    Tell(key, items.GetValueOrDefault(key));
                }

                LogListens(database.Logger, component, channel);
                return connection;
            }
            catch (Exception exception) when (!stop.IsCancellationRequested)
            {
                LogBroken(database.Logger, component, channel, exception.Message);
                if (connection is not null)
                {
                    await connection.DisposeAsync();
                }
            }
        }
    }

    private async Task TakeAsync(string payload, CancellationToken cancellationToken)
    {
        if (ConfigurationChange.Parse(payload) is not { } change)
        {
            LogNotUnderstood(database.Logger, component, channel);
            return;
        }

        if (change.Table is { } name && !IsThisTable(name))
        {
            return;
        }

        var known = _known.GetValueOrDefault(change.Key);
        var newer = known is null ? 1 : ConfigurationTable.CompareVersions(change.Version, known.Version);
        if (change.IsRemoval)
        {
            if (newer >= 0)
            {
                // An older version counts again when there is one. A newer one was written since, and its own notification follows.
                var left = await ReadAsync(change.Key, cancellationToken);
                Tell(change.Key, left is not null && ConfigurationTable.CompareVersions(left.Version, change.Version) < 0 ? left : null);
            }
        }
        else
        {
            // A version below the one known: the table says which of them counts.
            Tell(change.Key, newer >= 0 && change.Item is { } item ? item : await ReadAsync(change.Key, cancellationToken));
        }
    }

    private async Task<ConfigurationItem?> ReadAsync(string key, CancellationToken cancellationToken) =>
        (await table.ReadAsync([key], cancellationToken)).GetValueOrDefault(key);

    private bool IsThisTable(string name) => table.Name[(table.Name.LastIndexOf('.') + 1)..].Equals(name[(name.LastIndexOf('.') + 1)..], StringComparison.OrdinalIgnoreCase);

    /// <summary>Tells the subscriptions of a key's new item, or of its end, unless they know it.</summary>
    private void Tell(string key, ConfigurationItem? item)
    {
        var known = _known.GetValueOrDefault(key);
        if (known is null ? item is null : item is not null && known.Value == item.Value && known.Version == item.Version && known.Metadata.SequenceEqual(item.Metadata))
        {
            return;
        }

        if (item is null)
        {
            _known.Remove(key);
        }
        else
        {
            _known[key] = item;
        }

        lock (_gate)
        {
            foreach (var subscription in _subscriptions)
            {
                subscription.Tell(key, item ?? Removed);
            }
        }
    }

    [LoggerMessage(2520, LogLevel.Warning, "{Component}: does not hear of changes on channel {Channel}, listening again: {Problem}")]
    private static partial void LogBroken(ILogger logger, string component, string channel, string problem);

    [LoggerMessage(2521, LogLevel.Information, "{Component}: listens on channel {Channel} again; changes meanwhile have been told")]
    private static partial void LogListens(ILogger logger, string component, string channel);

    [LoggerMessage(2522, LogLevel.Warning, "{Component}: a notification on channel {Channel} is not of the form table, action, data with the row's key: look at the trigger")]
    private static partial void LogNotUnderstood(ILogger logger, string component, string channel);

    /// <summary>One subscriber; no keys means all.</summary>
    internal sealed class Subscription(IReadOnlyList<string> keys, Action<string, ConfigurationItem> changed)
    {
        private readonly HashSet<string> _keys = new(keys, StringComparer.Ordinal);

        public void Tell(string key, ConfigurationItem item)
        {
            if (_keys.Count == 0 || _keys.Contains(key))
            {
                changed(key, item);
            }
        }
    }
}
