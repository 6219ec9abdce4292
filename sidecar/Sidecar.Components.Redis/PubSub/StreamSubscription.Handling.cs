using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;
using Sidecar.Redis;

namespace Sidecar.Components.Redis.PubSub;

/// <summary>What becomes of a message that is in hand.</summary>
internal sealed partial class StreamSubscription
{
    private enum Outcome
    {
        Handled,
        Failed,
        Returned,
    }

    private async Task HandleAsync(StreamEntry entry)
    {
        switch (await RunHandlerAsync(entry))
        {
            case Outcome.Handled:
                _held[entry.Id] = false;
                await SettleAsync(entry.Id, _group.AcknowledgeAsync);
                _held.TryRemove(entry.Id, out _);
                break;
            case Outcome.Failed:
                _held[entry.Id] = false;
                await SettleAsync(entry.Id, _group.FailAsync);
                _held.TryRemove(entry.Id, out _);
                break;
            case Outcome.Returned:
                // Not in hand any more before it is anybody's: this consumer may be the next to claim it.
                _held.TryRemove(entry.Id, out _);
                Volatile.Write(ref _pausedUntil, Time.GetTimestamp() + Ticks(ReturnPause));
                await SettleAsync(entry.Id, id => _group.ReturnAsync([id]));
                Wake();
                break;
        }

        _free.Release();
    }

    private async Task<Outcome> RunHandlerAsync(StreamEntry entry)
    {
        if (_stop.IsCancellationRequested)
        {
            return Outcome.Returned;
        }

        try
        {
            await _request.Handler(new IncomingMessage(entry.Id, _group.Topic, entry.Data, entry.Metadata, entry.Attempt), _cancellationToken);
            return Outcome.Handled;
        }
        catch (Exception exception) when (exception is MessageReturnedException or OperationCanceledException)
        {
            // Whoever cancelled it, it is neither done nor failed.
            return Outcome.Returned;
        }
        catch (Exception)
        {
            // The runtime has retried, dead-lettered and logged by its own rules; what still fails comes again later.
            return Outcome.Failed;
        }
    }

    /// <summary>Tells the server what became of a message, again until it has heard: to hear it twice changes nothing.</summary>
    private async Task SettleAsync(string id, Func<string, Task> tell)
    {
        while (true)
        {
            try
            {
                await tell(id);
                return;
            }
            catch (Exception exception) when (IsPassing(exception) && !_stop.IsCancellationRequested)
            {
                await Task.Delay(RetryPause, Time, CancellationToken.None);
            }
            catch (RedisServerException exception) when (exception.Code == "NOGROUP")
            {
                // Nothing is pending in a group that is gone.
                return;
            }
            catch (Exception exception)
            {
                LogNotSettled(_logger, _group.Topic, _group.Name, id, exception.Message);
                return;
            }
        }
    }

    /// <summary>Keeps what is being handled from being claimed by others.</summary>
    private async Task HeartbeatAsync()
    {
        if (_options.KeepInterval is not { } interval)
        {
            return;
        }

        using var timer = new PeriodicTimer(interval, Time);
        try
        {
            while (await timer.WaitForNextTickAsync(_drained.Token))
            {
                await KeepAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // Nothing is in hand any more.
        }
    }

    private async Task KeepAsync()
    {
        var ids = _held.Where(entry => entry.Value).Select(entry => entry.Key).ToArray();
        if (ids.Length == 0)
        {
            return;
        }

        try
        {
            foreach (var id in await _group.KeepAsync(ids))
            {
                // One that was settled in this moment is nobody's.
                if (_held.TryGetValue(id, out var handled) && handled)
                {
                    LogTaken(_logger, _group.Topic, _group.Name, id);
                }
            }
        }
        catch (Exception exception) when (exception is RedisConnectionException or RedisServerException)
        {
            // The loop tells of it; the next beat may still be in time.
        }
    }

    private static bool IsPassing(Exception exception) =>
        exception is RedisConnectionException or RedisServerException { Code: "LOADING" or "READONLY" or "MASTERDOWN" or "BUSY" };

    [LoggerMessage(3105, LogLevel.Warning, "{Topic}, group {Group}: another consumer has taken message {Id} over, which is still being handled here")]
    private static partial void LogTaken(ILogger logger, string topic, string group, string id);

    [LoggerMessage(3106, LogLevel.Warning, "{Topic}, group {Group}: the server was not told what became of message {Id}, which will come again: {Problem}")]
    private static partial void LogNotSettled(ILogger logger, string topic, string group, string id, string problem);
}
