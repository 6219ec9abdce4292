using System.Globalization;
using Sidecar.Abstractions;

namespace Sidecar.Components.Broker;

/// <summary>
/// One consumer of a group. A runner is a loop that takes a message, handles it and takes the next; there are at most
/// <c>concurrency</c> of them and none while nothing is to do.
/// </summary>
internal sealed class GroupSubscription : IAsyncDisposable
{
    private readonly Topic _topic;
    private readonly ConsumerGroup _group;
    private readonly SubscriptionRequest _request;
    private readonly CancellationToken _cancellationToken;
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenRegistration _registration;
    private readonly int _limit;
    private int _running;
    private bool _stopped;

    /// <summary>Joins the group and starts to deliver. Cancelling the token ends the intake and cancels the handlers.</summary>
    public GroupSubscription(Topic topic, ConsumerGroup group, SubscriptionRequest request, CancellationToken cancellationToken)
    {
        _topic = topic;
        _group = group;
        _request = request;
        _cancellationToken = cancellationToken;
        _limit = topic.Broker.Policy.MaxHandlers;
        lock (topic.Gate)
        {
            group.Join(this);
        }

        _registration = cancellationToken.UnsafeRegister(static subscription => ((GroupSubscription)subscription!).Stop(), this);
    }

    /// <summary>UTC ticks until which it gets nothing; 0 when it is not paused. Gate held.</summary>
    public long PausedUntil { get; private set; }

    /// <summary>How many messages it could take now. Gate held.</summary>
    public int Free => _stopped || PausedUntil > 0 ? 0 : _limit - _running;

    /// <summary>Its runners, those included that have not begun. Gate held.</summary>
    public int Running => _running;

    /// <summary>Gate held.</summary>
    public void StartRunner()
    {
        _running++;
        ThreadPool.UnsafeQueueUserWorkItem(static subscription => _ = subscription.RunAsync(), this, preferLocal: false);
    }

    /// <summary>Gate held.</summary>
    public void EndPause(long now)
    {
        if (PausedUntil <= now)
        {
            PausedUntil = 0;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _registration.DisposeAsync();
        Stop();
        await _drained.Task;
    }

    private void Stop()
    {
        lock (_topic.Gate)
        {
            if (_stopped)
            {
                return;
            }

            _stopped = true;
            _group.Leave(this);
            if (_running == 0)
            {
                _drained.TrySetResult();
            }

            _group.Dispatch();
        }
    }

    private async Task RunAsync()
    {
        for (var first = true; TryTake(first) is { } delivery; first = false)
        {
            await HandleAsync(delivery.Entry, delivery.Attempt);
        }
    }

    private (TopicEntry Entry, int Attempt)? TryTake(bool first)
    {
        lock (_topic.Gate)
        {
            if (first)
            {
                _group.RunnerStarted();
            }

            if (!_stopped && PausedUntil == 0 && _group.TryTake(out var entry))
            {
                return (entry, _group.Failures(entry.Sequence) + 1);
            }

            _running--;
            if (_stopped && _running == 0)
            {
                _drained.TrySetResult();
            }

            // A runner that was started for a message and may not take it any more leaves it to another consumer.
            _group.Dispatch();
            return null;
        }
    }

    private async Task HandleAsync(TopicEntry entry, int attempt)
    {
        var message = new IncomingMessage(
            entry.Sequence.ToString(CultureInfo.InvariantCulture), _topic.Name, entry.Data, entry.Metadata, attempt);
        try
        {
            await _request.Handler(message, _cancellationToken);
        }
        catch (MessageReturnedException)
        {
            Return(entry);
            return;
        }
        catch (OperationCanceledException)
        {
            // Whoever cancelled it, it is neither done nor failed.
            Return(entry);
            return;
        }
        catch (Exception)
        {
            // The runtime has retried, dead-lettered and logged by its own rules; what still fails comes again later.
            await FailAsync(entry);
            return;
        }

        lock (_topic.Gate)
        {
            _group.Acknowledge(entry.Sequence);
        }

        if (!_group.Ephemeral && _topic.Broker.Journal is { } journal)
        {
            await journal.AcknowledgedAsync(_topic, _group.Name, entry.Sequence);
        }
    }

    private void Return(TopicEntry entry)
    {
        lock (_topic.Gate)
        {
            if (!_stopped)
            {
                PausedUntil = _topic.Broker.Time.GetUtcNow().Ticks + _topic.Broker.Policy.ReturnPause.Ticks;
                _group.Schedule();
            }

            _group.Return(entry.Sequence);
        }
    }

    private async ValueTask FailAsync(TopicEntry entry)
    {
        int failures;
        lock (_topic.Gate)
        {
            failures = _group.Fail(entry.Sequence);
        }

        if (!_group.Ephemeral && _topic.Broker.Journal is { } journal)
        {
            await journal.FailedAsync(_topic, _group.Name, entry.Sequence, failures);
        }
    }
}
