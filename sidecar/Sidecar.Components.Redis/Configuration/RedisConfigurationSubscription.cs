using Sidecar.Redis;

namespace Sidecar.Components.Redis.Configuration;

/// <summary>
/// Tells the changes of some keys, or of all. The server says only that a key changed, so it is read then, and several quick changes are
/// one; who is told what is known by key, so that nothing is told twice. After a gap in the connection everything is read again:
/// what changed meanwhile, or is gone, is told then. Memory is bounded by the number of keys.
/// </summary>
internal sealed class RedisConfigurationSubscription(RedisConfigurationStore store, IReadOnlyList<string> keys, Action<string, string?> changed) : IAsyncDisposable
{
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _news = new(0);
    private readonly CancellationTokenSource _ended = new();
    private readonly List<IAsyncDisposable> _channels = [];
    private readonly Dictionary<string, string> _told = new(StringComparer.Ordinal);
    private readonly string _channelPrefix = $"__keyspace@{store.Database}__:";
    private HashSet<string> _touched = new(StringComparer.Ordinal);
    private bool _gap;
    private Task _telling = Task.CompletedTask;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await store.EnableEventsAsync(cancellationToken);
        // First the channels, then the values: what changes in between is in one of them.
        foreach (var channel in keys.Count > 0
            ? keys.Distinct(StringComparer.Ordinal).Select(key => RedisChannel.Named(_channelPrefix + key))
            : [RedisChannel.Pattern(_channelPrefix + "*")])
        {
            _channels.Add(await store.Client.SubscribeAsync(channel, OnEvent, OnGap, cancellationToken));
        }

        foreach (var (key, stored) in await store.ReadAsync(keys, cancellationToken))
        {
            if (stored is not null)
            {
                _told[key] = stored;
            }
        }

        _telling = Task.Run(TellAsync, CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        foreach (var channel in _channels)
        {
            await channel.DisposeAsync();
        }

        await _telling.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void OnEvent(RedisMessage message)
    {
        lock (_gate)
        {
            _touched.Add(message.Channel[_channelPrefix.Length..]);
        }

        _news.Release();
    }

    private void OnGap()
    {
        lock (_gate)
        {
            _gap = true;
        }

        _news.Release();
    }

    private async Task TellAsync()
    {
        while (true)
        {
            await _news.WaitAsync(_ended.Token);
            HashSet<string> touched;
            bool gap;
            lock (_gate)
            {
                (touched, _touched) = (_touched, new(StringComparer.Ordinal));
                (gap, _gap) = (_gap, false);
            }

            try
            {
                await (gap ? TellAllAsync() : touched.Count > 0 ? TellAsync([.. touched]) : Task.CompletedTask);
            }
            catch (Exception exception) when (!_ended.IsCancellationRequested)
            {
                store.LogReadFailed(exception);
                lock (_gate)
                {
                    _touched.UnionWith(touched);
                    _gap |= gap;
                }

                await Task.Delay(PauseAfterFailure, _ended.Token);
                _news.Release();
            }
        }
    }

    private async Task TellAllAsync()
    {
        // A server that was restarted may have forgotten to announce.
        await store.EnableEventsAsync(_ended.Token);
        var there = await store.ReadAsync(keys, _ended.Token);
        var gone = _told.Keys.Except(there.Select(item => item.Key)).ToArray();
        Tell([.. there, .. gone.Select(key => (key, (string?)null))]);
    }

    private async Task TellAsync(IReadOnlyList<string> touched) => Tell(await store.ReadAsync(touched, _ended.Token));

    private void Tell(IReadOnlyList<(string Key, string? Stored)> items)
    {
        foreach (var (key, stored) in items)
        {
            if (_ended.IsCancellationRequested || _told.GetValueOrDefault(key) == stored)
            {
                continue;
            }

            if (stored is null)
            {
                _told.Remove(key);
            }
            else
            {
                _told[key] = stored;
            }

            changed(key, stored);
        }
    }
}
