using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;
using Sidecar.Redis;

namespace Sidecar.Components.Redis.PubSub;

/// <summary>
/// One consumer of a group. A loop reserves handlers and fills them:
/// 1. with what others handed back, what failed long enough ago and what dead consumers had (it looks for that now and then, and at once
/// when told), 2. with new messages, for which it waits at the server on a connection of its own.
/// Nothing is fetched before a handler is free for it, so nothing waits here that another consumer could handle. What is being handled is
/// kept from the others by a heartbeat.
/// </summary>
internal sealed partial class StreamSubscription : IAsyncDisposable
{
    /// <summary>A consumer that gave a message back gets nothing for so long, while others take over; an absent app is not asked in a tight loop.</summary>
    private static readonly TimeSpan ReturnPause = TimeSpan.FromSeconds(1);

    /// <summary>Longest wait at the server in one command, so that a half-dead connection is noticed.</summary>
    private static readonly TimeSpan LongestBlock = TimeSpan.FromSeconds(5);

    /// <summary>Pause before the server is asked again after a failure.</summary>
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(200);

    /// <summary>Pause between two tries to end a wait at the server.</summary>
    private static readonly TimeSpan UnblockPause = TimeSpan.FromMilliseconds(20);

    // A server has its own clock, whatever clock the sidecar has.
    private static readonly TimeProvider Time = TimeProvider.System;

    private readonly RedisClient _client;
    private readonly RedisClient _reader;
    private readonly StreamGroup _group;
    private readonly PubSubOptions _options;
    private readonly SubscriptionRequest _request;
    private readonly ILogger _logger;
    private readonly CancellationToken _cancellationToken;
    private readonly CancellationTokenSource _stop;
    private readonly CancellationTokenSource _drained = new();
    private readonly SemaphoreSlim _free;

    /// <summary>What is in hand, and whether it is being handled: otherwise the server is just told that it has been.</summary>
    private readonly ConcurrentDictionary<string, bool> _held = new(StringComparer.Ordinal);
    private readonly Task _heartbeat;
    private readonly Task _loop;
    private IAsyncDisposable? _signals;
    private TaskCompletionSource _wake = NewSignal();
    private long _nextClaim;
    private long _pausedUntil;
    private bool _groupIsGone;
    private bool _strays;
    private bool _failing;
    private bool _disposed;
    private (int Generation, long Id)? _readerId;

    private StreamSubscription(
        RedisClient client, RedisClient reader, StreamGroup group, PubSubOptions options, SubscriptionRequest request, ILogger logger,
        CancellationToken cancellationToken)
    {
        (_client, _reader, _group, _options, _request, _logger, _cancellationToken) = (client, reader, group, options, request, logger, cancellationToken);
        _free = new SemaphoreSlim(options.MaxHandlers);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _stop.Token.UnsafeRegister(static subscription => ((StreamSubscription)subscription!).Wake(), this);
        _heartbeat = HeartbeatAsync();
        _loop = Task.Run(RunAsync, CancellationToken.None);
    }

    /// <summary>Starts to deliver. Cancelling the token ends the intake and cancels the handlers.</summary>
    public static async Task<StreamSubscription> StartAsync(
        RedisClient client, StreamGroup group, PubSubOptions options, SubscriptionRequest request, ILogger logger, CancellationToken cancellationToken)
    {
        var reader = await client.OpenDedicatedAsync(cancellationToken);
        var subscription = new StreamSubscription(client, reader, group, options, request, logger, cancellationToken);
        try
        {
            subscription._signals = await client.SubscribeAsync(
                RedisChannel.Named(group.Channel), _ => subscription.Wake(), subscription.Wake, cancellationToken);
        }
        catch (RedisServerException exception)
        {
            // What is handed back is then found with the next look, not at once.
            LogNoSignals(logger, group.Topic, group.Name, exception.Message);
        }
        catch
        {
            await subscription.DisposeAsync();
            throw;
        }

        return subscription;
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, true))
        {
            await _loop;
            return;
        }

        await _stop.CancelAsync();
        await _loop;
        await _heartbeat;
        if (_signals is not null)
        {
            await _signals.DisposeAsync();
        }

        await _reader.DisposeAsync();
        _stop.Dispose();
        _drained.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            var reserved = 0;
            IReadOnlyList<StreamEntry> entries = [];
            try
            {
                await _free.WaitAsync(_stop.Token);
                for (reserved = 1; reserved < _options.MaxHandlers && _free.Wait(0, CancellationToken.None); reserved++)
                {
                }

                await PauseAsync();
                entries = await FetchAsync(reserved);
                if (_failing)
                {
                    _failing = false;
                    LogRecovered(_logger, _group.Topic, _group.Name);
                }
            }
            catch (Exception) when (_stop.IsCancellationRequested)
            {
                // Disposed, or the app is gone: what came with a lost reply is handed back at the end.
            }
            catch (Exception exception)
            {
                await FailedAsync(exception);
            }

            foreach (var entry in entries)
            {
                // What this consumer claimed from itself, because it could not keep it in time, is in hand already.
                if (_held.TryAdd(entry.Id, true))
                {
                    reserved--;
                    _ = Task.Run(() => HandleAsync(entry), CancellationToken.None);
                }
            }

            if (reserved > 0)
            {
                _free.Release(reserved);
            }
        }

        await LeaveAsync();
    }

    private async Task<IReadOnlyList<StreamEntry>> FetchAsync(int count)
    {
        if (_groupIsGone)
        {
            await _group.CreateAsync(_stop.Token);
            _groupIsGone = false;
        }

        if (_strays)
        {
            await ReturnStraysAsync();
            _strays = false;
        }

        if (_wake.Task.IsCompleted || Time.GetTimestamp() >= _nextClaim)
        {
            Volatile.Write(ref _wake, NewSignal());
            var (claimed, lost) = await _group.ClaimAsync(count);
            if (lost.Count > 0)
            {
                LogLost(_logger, _group.Topic, _group.Name, string.Join(", ", lost));
            }

            if (claimed.Count + lost.Count < count)
            {
                _nextClaim = Time.GetTimestamp() + Ticks(_options.ClaimInterval);
            }

            if (claimed.Count > 0)
            {
                return claimed;
            }
        }

        var block = Time.GetElapsedTime(Time.GetTimestamp(), _nextClaim);
        var id = await ReaderIdAsync();
        _stop.Token.ThrowIfCancellationRequested();
        var read = _group.ReadAsync(_reader, count, block < LongestBlock ? block : LongestBlock);
        if (await Task.WhenAny(read, _wake.Task) != read)
        {
            await UnblockAsync(id, read);
        }

        return await read;
    }

    private async Task PauseAsync()
    {
        var left = Time.GetElapsedTime(Time.GetTimestamp(), Volatile.Read(ref _pausedUntil));
        if (left > TimeSpan.Zero)
        {
            await Task.Delay(left, Time, _stop.Token);
            Wake();
        }
    }

    private async Task FailedAsync(Exception exception)
    {
        if (exception is RedisServerException { Code: "NOGROUP" or "UNBLOCKED" })
        {
            _groupIsGone = true;
            LogGroupGone(_logger, _group.Topic, _group.Name);
        }
        else if (!_failing)
        {
            _failing = true;
            LogFailing(_logger, _group.Topic, _group.Name, exception.Message);
        }

        // The server may have handed over messages with a reply that never came.
        _strays = true;
        await Task.Delay(RetryPause, Time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task ReturnStraysAsync()
    {
        string[] strays;
        while ((strays = [.. (await _group.PendingAsync(_options.MaxHandlers * 2)).Where(id => !_held.ContainsKey(id))]).Length > 0)
        {
            await _group.ReturnAsync(strays);
        }
    }

    private async Task LeaveAsync()
    {
        for (var i = 0; i < _options.MaxHandlers; i++)
        {
            await _free.WaitAsync(CancellationToken.None);
        }

        await _drained.CancelAsync();
        try
        {
            await _group.LeaveAsync();
        }
        catch (RedisServerException exception) when (exception.Code is "NOGROUP" or "ERR")
        {
            // The group or the stream is gone already.
        }
        catch (Exception exception)
        {
            LogNotLeft(_logger, _group.Topic, _group.Name, exception.Message);
        }
    }

    private void Wake() => Volatile.Read(ref _wake).TrySetResult();

    private async Task<long> ReaderIdAsync()
    {
        var generation = _reader.Generation;
        if (_readerId is not { } known || known.Generation != generation)
        {
            _readerId = known = (generation, (await _reader.ExecuteAsync(RedisCommand.Of("CLIENT", "ID"), _stop.Token)).AsInt64());
        }

        return known.Id;
    }

    /// <summary><c>CLIENT UNBLOCK id</c>, until the read has ended: the first one may be earlier at the server than the read.</summary>
    private async Task UnblockAsync(long id, Task read)
    {
        try
        {
            while (!read.IsCompleted)
            {
                await _client.ExecuteAsync(RedisCommand.Of("CLIENT", "UNBLOCK", id), default);
                await Task.WhenAny(read, Task.Delay(UnblockPause, Time));
            }
        }
        catch (Exception) when (_stop.IsCancellationRequested)
        {
            // The server does not listen, and nobody waits for it.
            await _reader.DisposeAsync();
        }
        catch (Exception exception) when (exception is RedisConnectionException or RedisServerException)
        {
            // The read ends by itself within its time.
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Time.TimestampFrequency);

    [LoggerMessage(3101, LogLevel.Warning, "{Topic}, group {Group}: the Redis server cannot be reached or refuses, trying again: {Problem}")]
    private static partial void LogFailing(ILogger logger, string topic, string group, string problem);

    [LoggerMessage(3102, LogLevel.Information, "{Topic}, group {Group}: the Redis server answers again")]
    private static partial void LogRecovered(ILogger logger, string topic, string group);

    [LoggerMessage(3103, LogLevel.Warning, "{Topic}, group {Group}: the stream or the group was removed and is made again")]
    private static partial void LogGroupGone(ILogger logger, string topic, string group);

    [LoggerMessage(3104, LogLevel.Warning, "{Topic}, group {Group}: the stream was trimmed before these were handled, they are lost: {Ids}")]
    private static partial void LogLost(ILogger logger, string topic, string group, string ids);

    [LoggerMessage(3107, LogLevel.Warning, "{Topic}, group {Group}: left without a word to the server, what was in hand comes again after its time: {Problem}")]
    private static partial void LogNotLeft(ILogger logger, string topic, string group, string problem);

    [LoggerMessage(3108, LogLevel.Warning, "{Topic}, group {Group}: no signals about messages that other consumers hand back: {Problem}")]
    private static partial void LogNoSignals(ILogger logger, string topic, string group, string problem);
}
