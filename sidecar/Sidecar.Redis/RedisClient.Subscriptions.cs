using Sidecar.Redis.Connections;

namespace Sidecar.Redis;

/// <summary>Subscriptions: at most once, as Redis publishes; made again on every new connection.</summary>
public sealed partial class RedisClient
{
    private readonly SemaphoreSlim _subscribing = new(1);
    private readonly Lock _subscriptionsGate = new();
    private readonly Dictionary<RedisChannel, Subscription[]> _subscriptions = [];

    /// <summary>
    /// Calls a handler with the messages of a channel or pattern, one after the other in their order, until the result is disposed.
    /// </summary>
    /// <param name="channel">Channel or pattern.</param>
    /// <param name="onMessage">Handler; what it throws goes to <see cref="HandlerFailed"/>.</param>
    /// <param name="onGap">
    /// Called between messages when some may have been missed: after a new connection has subscribed again, or when the handler was so
    /// slow that <see cref="RedisOptions.MaxQueuedMessages"/> waited for it.
    /// </param>
    /// <param name="cancellationToken">Ends the wait for the server's confirmation.</param>
    public async Task<IAsyncDisposable> SubscribeAsync(
        RedisChannel channel, Action<RedisMessage> onMessage, Action? onGap = null, CancellationToken cancellationToken = default)
    {
        var subscription = new Subscription(_options.MaxQueuedMessages, onMessage, onGap, Failed);
        await _subscribing.WaitAsync(cancellationToken);
        try
        {
            if (Add(channel, subscription))
            {
                await ExecuteAsync(channel.Subscribe(), _options.CommandTimeout, answeredByPush: true, cancellationToken);
            }
        }
        catch
        {
            Remove(channel, subscription);
            throw;
        }
        finally
        {
            _subscribing.Release();
        }

        subscription.Start();
        return new Unsubscriber(this, channel, subscription);
    }

    private async ValueTask UnsubscribeAsync(RedisChannel channel, Subscription subscription)
    {
        subscription.Stop();
        await _subscribing.WaitAsync();
        try
        {
            // Without a connection there is nothing to take back: the next one does not subscribe.
            if (Remove(channel, subscription) && IsConnected)
            {
                await ExecuteAsync(channel.Unsubscribe(), _options.CommandTimeout, answeredByPush: true, _closing.Token);
            }
        }
        catch (Exception exception) when (exception is RedisConnectionException or RedisServerException or OperationCanceledException or ObjectDisposedException)
        {
            // Its messages have no handler any more, which is what was asked for.
        }
        finally
        {
            _subscribing.Release();
        }
    }

    /// <summary>True when the server must be told.</summary>
    private bool Add(RedisChannel channel, Subscription subscription)
    {
        lock (_subscriptionsGate)
        {
            var others = _subscriptions.GetValueOrDefault(channel, []);
            _subscriptions[channel] = [.. others, subscription];
            return others.Length == 0;
        }
    }

    /// <summary>True when the server must be told.</summary>
    private bool Remove(RedisChannel channel, Subscription subscription)
    {
        lock (_subscriptionsGate)
        {
            if (!_subscriptions.TryGetValue(channel, out var subscriptions))
            {
                return false;
            }

            var others = Array.FindAll(subscriptions, other => other != subscription);
            _subscriptions[channel] = others;
            return others.Length == 0 && _subscriptions.Remove(channel);
        }
    }

    private RedisChannel[] Channels()
    {
        lock (_subscriptionsGate)
        {
            return [.. _subscriptions.Keys];
        }
    }

    private void OnGap()
    {
        foreach (var subscription in Subscribers())
        {
            subscription.Gap();
        }
    }

    private void StopSubscriptions()
    {
        foreach (var subscription in Subscribers())
        {
            subscription.Stop();
        }
    }

    private Subscription[] Subscribers()
    {
        lock (_subscriptionsGate)
        {
            return [.. _subscriptions.Values.SelectMany(subscriptions => subscriptions)];
        }
    }

    /// <summary>message, channel, payload; or pmessage, pattern, channel, payload. Other pushes (tracking) are not asked for.</summary>
    private void OnPush(RedisReply push)
    {
        var channel = push.ItemArray switch
        {
            [var word, var name, _] when word.AsBytes().Span.SequenceEqual("message"u8) => RedisChannel.Named(name.AsString()!),
            [var word, var pattern, _, _] when word.AsBytes().Span.SequenceEqual("pmessage"u8) => RedisChannel.Pattern(pattern.AsString()!),
            _ => default,
        };
        Subscription[]? subscriptions;
        lock (_subscriptionsGate)
        {
            if (channel == default || !_subscriptions.TryGetValue(channel, out subscriptions))
            {
                return;
            }
        }

        var message = new RedisMessage(push.ItemArray[^2].AsString()!, push.ItemArray[^1].AsBytes());
        foreach (var subscription in subscriptions)
        {
            subscription.Deliver(message);
        }
    }

    private sealed class Unsubscriber(RedisClient client, RedisChannel channel, Subscription subscription) : IAsyncDisposable
    {
        private int _disposed;

        public ValueTask DisposeAsync() =>
            Interlocked.Exchange(ref _disposed, 1) == 0 ? client.UnsubscribeAsync(channel, subscription) : ValueTask.CompletedTask;
    }
}
