using System.Threading.Channels;

namespace Sidecar.Redis.Connections;

/// <summary>
/// One subscriber: a bounded queue and the task that calls its handler, so that a slow handler holds up neither replies nor other
/// subscribers. What does not fit is dropped, and told as a gap after it happened: whoever then reads the state anew has missed nothing.
/// </summary>
internal sealed class Subscription(int capacity, Action<RedisMessage> onMessage, Action? onGap, Action<Exception> onFailure)
{
    /// <summary>Null wakes the task for a gap.</summary>
    private readonly Channel<RedisMessage?> _queue =
        Channel.CreateBounded<RedisMessage?>(new BoundedChannelOptions(capacity) { SingleReader = true });

    private int _missed;
    private volatile bool _stopped;

    /// <summary>Begins to call the handler.</summary>
    public void Start() => _ = Task.Run(PumpAsync);

    /// <summary>Queues a message.</summary>
    public void Deliver(in RedisMessage message)
    {
        if (!_queue.Writer.TryWrite(message))
        {
            Gap();
        }
    }

    /// <summary>Messages may have been missed.</summary>
    public void Gap()
    {
        Volatile.Write(ref _missed, 1);
        _queue.Writer.TryWrite(null);
    }

    /// <summary>No further message is begun.</summary>
    public void Stop()
    {
        _stopped = true;
        _queue.Writer.TryComplete();
    }

    private async Task PumpAsync()
    {
        await foreach (var message in _queue.Reader.ReadAllAsync())
        {
            if (_stopped)
            {
                return;
            }

            try
            {
                if (Interlocked.Exchange(ref _missed, 0) == 1)
                {
                    onGap?.Invoke();
                }

                if (message is { } published)
                {
                    onMessage(published);
                }
            }
            catch (Exception exception)
            {
                onFailure(exception);
            }
        }
    }
}
