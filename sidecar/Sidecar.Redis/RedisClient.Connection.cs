using Sidecar.Redis.Connections;

namespace Sidecar.Redis;

/// <summary>The life of the connection: served, lost, replaced.</summary>
public sealed partial class RedisClient
{
    private static readonly TimeSpan WatchPeriod = TimeSpan.FromMilliseconds(100);

    private async Task RunAsync(Connection? connection)
    {
        while (connection is not null)
        {
            await using (connection)
            {
                var reason = await connection.ServeAsync(OnPush, _outbox.Left);
                _outbox.Detach(connection);
                Volatile.Write(ref _lastError, reason);
                _outbox.Left(connection.FailInFlight(Broken(reason)));
                if (!_closing.IsCancellationRequested)
                {
                    Notify(() => Disconnected?.Invoke(reason));
                }
            }

            connection = await ReconnectAsync();
        }
    }

    /// <summary>Tries until there is a connection; null when the client is closed.</summary>
    private async Task<Connection?> ReconnectAsync()
    {
        for (var attempt = 0; !_closing.IsCancellationRequested; attempt++)
        {
            try
            {
                await Task.Delay(Delay(attempt), _closing.Token);
                var connection = await Connection.OpenAsync(_options, Channels(), OnPush, _closing.Token);
                Interlocked.Increment(ref _generation);
                if (!_outbox.Attach(connection))
                {
                    await connection.DisposeAsync();
                    return null;
                }

                OnGap();
                Notify(() => Reconnected?.Invoke());
                return connection;
            }
            catch (RedisConnectionException exception)
            {
                Volatile.Write(ref _lastError, exception);
            }
            catch (OperationCanceledException)
            {
            }
        }

        return null;
    }

    /// <summary>Between half of it and the whole of a wait that doubles with each attempt, so that clients do not come back in step.</summary>
    private TimeSpan Delay(int attempt)
    {
        var full = Math.Min(_options.MaxReconnectDelay.TotalMilliseconds, _options.MinReconnectDelay.TotalMilliseconds * Math.Pow(2, Math.Min(attempt, 30)));
        return TimeSpan.FromMilliseconds(Math.Max(0, full) * (0.5 + (Random.Shared.NextDouble() / 2)));
    }

    /// <summary>
    /// One clock for all calls: those that wait too long fail, a connection on which a reply is overdue is closed, one that is
    /// silent is asked. The clock is the process's: the other side is a real server.
    /// </summary>
    private async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(WatchPeriod);
        try
        {
            while (await timer.WaitForNextTickAsync(_closing.Token))
            {
                var now = Environment.TickCount64;
                _outbox.Expire(now, TooLate);
                if (_outbox.Connection is not { } connection)
                {
                    continue;
                }

                if (connection.Expire(now, TooLate) is { } overdue)
                {
                    var reason = new RedisConnectionException($"{_options}: {overdue} was not answered in time; the connection was closed");
                    Volatile.Write(ref _lastError, reason);
                    _outbox.Detach(connection);
                    connection.Abort(reason);
                }
                else if (connection.InFlight.IsEmpty && now - connection.LastReceived > _options.KeepAlive.TotalMilliseconds)
                {
                    _ = PingAsync();
                }
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task PingAsync()
    {
        try
        {
            await ExecuteAsync(RedisCommand.Of("PING"), _closing.Token);
        }
        catch (Exception exception) when (exception is RedisConnectionException or RedisServerException or OperationCanceledException or ObjectDisposedException)
        {
            // It was sent to find out; the connection's end, if it was that, is told by Disconnected.
        }
    }

    private void Notify(Action handler)
    {
        try
        {
            handler();
        }
        catch (Exception exception)
        {
            Failed(exception);
        }
    }

    /// <summary>A handler of failures that fails as well ends nothing here; there is nobody left to tell.</summary>
    private void Failed(Exception exception)
    {
        try
        {
            HandlerFailed?.Invoke(exception);
        }
        catch (Exception)
        {
        }
    }
}
