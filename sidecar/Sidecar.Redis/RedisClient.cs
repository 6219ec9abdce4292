using Sidecar.Redis.Connections;

namespace Sidecar.Redis;

/// <summary>
/// A client of one server: one multiplexed connection that pipelines the commands of all callers, and is replaced when it breaks.
/// It stands in for StackExchange.Redis, whose current versions do not restore here; it speaks RESP3 (Redis 6 and newer) with one
/// server, and follows neither clusters nor Sentinels. No command is sent twice: see
/// <see cref="RedisConnectionException.MayHaveRun"/>. Commands that change the connection (MULTI, WATCH, MONITOR, CLIENT REPLY) or
/// block it do not belong on a shared client: <see cref="TransactionAsync"/>, <see cref="OpenDedicatedAsync"/>.
/// </summary>
public sealed partial class RedisClient : IAsyncDisposable
{
    private readonly RedisOptions _options;
    private readonly Outbox _outbox;
    private readonly CancellationTokenSource _closing = new();
    private readonly Task _run;
    private readonly Task _watch;
    private int _generation = 1;
    private Exception? _lastError;

    private RedisClient(RedisOptions options, Connection connection)
    {
        _options = options;
        _outbox = new Outbox(options);
        _outbox.Attach(connection);
        _run = Task.Run(() => RunAsync(connection));
        _watch = Task.Run(WatchAsync);
    }

    /// <summary>A connection ended; commands wait for the next one.</summary>
    public event Action<Exception>? Disconnected;

    /// <summary>A connection has replaced one that ended: what the server keeps per connection is new.</summary>
    public event Action? Reconnected;

    /// <summary>A handler of this client's events or messages threw; the client goes on.</summary>
    public event Action<Exception>? HandlerFailed;

    /// <summary>Number of connections so far, the present one included.</summary>
    public int Generation => Volatile.Read(ref _generation);

    /// <summary>Whether commands go out at once.</summary>
    public bool IsConnected => _outbox.Connection is not null;

    /// <summary>Why there is no connection, or why the one before ended.</summary>
    public Exception? LastError => Volatile.Read(ref _lastError);

    /// <summary>Connects within <see cref="RedisOptions.ConnectTimeout"/>.</summary>
    /// <exception cref="RedisConnectionException">No connection; the message says what was tried and what to do.</exception>
    public static async Task<RedisClient> ConnectAsync(RedisOptions options, CancellationToken cancellationToken = default) =>
        new(options, await Connection.OpenAsync(options, [], static _ => { }, cancellationToken));

    /// <summary>A client of the same server with a connection of its own, for commands that block.</summary>
    public Task<RedisClient> OpenDedicatedAsync(CancellationToken cancellationToken = default) => ConnectAsync(_options, cancellationToken);

    /// <summary>Closes the connection; commands that have no reply yet fail.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_closing.IsCancellationRequested)
        {
            await _run;
            return;
        }

        await _closing.CancelAsync();
        var closed = new ObjectDisposedException(nameof(RedisClient), $"the client of {_options} was closed");
        _outbox.Close(Broken(closed))?.Abort(closed);
        await Task.WhenAll(_run, _watch);
        StopSubscriptions();
    }

    /// <summary>Exception for a call that a lost connection took down.</summary>
    private Func<Pending, bool, Exception> Broken(Exception reason) => (pending, sent) => new RedisConnectionException(
        sent ? $"{_options}: the connection broke before {pending.Name} was answered; it may have run ({reason.Message})"
            : $"{_options}: {pending.Name} was not sent ({reason.Message})",
        reason)
    { MayHaveRun = sent };

    private Exception TooLate(Pending pending, bool sent)
    {
        var reason = LastError;
        return new RedisConnectionException(
            $"{_options}: " + (sent ? $"{pending.Name} was not answered in time; it may have run"
                : IsConnected ? $"{pending.Name} was not sent in time: the server does not take what is sent to it"
                : $"{pending.Name} was not sent in time: there is no connection ({reason?.Message})"),
            reason)
        { MayHaveRun = sent };
    }
}
