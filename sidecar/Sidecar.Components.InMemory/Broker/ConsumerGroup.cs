using System.Diagnostics.CodeAnalysis;
using Sidecar.Abstractions;

namespace Sidecar.Components.Broker;

/// <summary>
/// A consumer group of a topic: what it has acknowledged, what came back, and the subscriptions that share the work.
/// All members are called with the topic's lock held.
/// </summary>
internal sealed class ConsumerGroup
{
    private readonly Topic _topic;
    private readonly List<GroupSubscription> _subscriptions = [];
    private readonly SequenceRanges _acknowledgedBeyond = new();
    private readonly SortedSet<long> _returned = [];
    private readonly Dictionary<long, int> _failures = [];
    private readonly PriorityQueue<long, long> _delayed = new();
    private long _acknowledgedThrough;
    private long _cursor;
    private int _starting;
    private ITimer? _timer;

    public ConsumerGroup(Topic topic, string name, bool ephemeral, long acknowledgedThrough)
    {
        _topic = topic;
        Name = name;
        Ephemeral = ephemeral;
        _acknowledgedThrough = acknowledgedThrough;
        _cursor = acknowledgedThrough + 1;
    }

    public string Name { get; }

    /// <summary>Ends with its last subscription; nothing is written down for it.</summary>
    public bool Ephemeral { get; }

    public bool IsAcknowledged(long sequence) => sequence <= _acknowledgedThrough || _acknowledgedBeyond.Contains(sequence);

    /// <summary>How often a handler has failed on the message.</summary>
    public int Failures(long sequence) => _failures.GetValueOrDefault(sequence);

    public void Join(GroupSubscription subscription)
    {
        _subscriptions.Add(subscription);
        Schedule();
        Dispatch();
    }

    public void Leave(GroupSubscription subscription)
    {
        _subscriptions.Remove(subscription);
        if (_subscriptions.Count > 0)
        {
            return;
        }

        _timer?.Dispose();
        _timer = null;
        if (Ephemeral)
        {
            _topic.Remove(this);
        }
    }

    /// <summary>Starts runners while there is work that no started runner will take and somebody has a handler free.</summary>
    public void Dispatch()
    {
        while (_starting < Available && Freest() is { } subscription)
        {
            _starting++;
            subscription.StartRunner();
        }
    }

    /// <summary>A started runner has reached its first <see cref="TryTake"/>.</summary>
    public void RunnerStarted() => _starting--;

    /// <summary>The next message: what came back first, in order, then what was never delivered.</summary>
    public bool TryTake([NotNullWhen(true)] out TopicEntry? entry)
    {
        while (NextSequence() is { } sequence)
        {
            if (IsAcknowledged(sequence))
            {
                continue;
            }

            entry = _topic.Find(sequence);
            if (entry is not null && entry.ExpiresAt > _topic.Broker.Time.GetUtcNow().Ticks)
            {
                return true;
            }

            // Expired, or dropped by the length limit. The fact follows from the log again after a restart: no journal entry.
            Acknowledge(sequence);
        }

        entry = null;
        return false;
    }

    public void Acknowledge(long sequence)
    {
        _failures.Remove(sequence);
        if (IsAcknowledged(sequence))
        {
            return;
        }

        if (sequence == _acknowledgedThrough + 1)
        {
            _acknowledgedThrough = _acknowledgedBeyond.Absorb(sequence);
        }
        else
        {
            _acknowledgedBeyond.Add(sequence);
        }

        _topic.Acknowledged(sequence);
    }

    /// <summary>Takes back what a consumer did not finish; it is handed out at once and not counted.</summary>
    public void Return(long sequence)
    {
        _returned.Add(sequence);
        Dispatch();
    }

    /// <summary>Sets the message aside for the redelivery interval. Returns how often it has failed now.</summary>
    public int Fail(long sequence)
    {
        var failures = Failures(sequence) + 1;
        _failures[sequence] = failures;
        _delayed.Enqueue(sequence, Now + _topic.Broker.Policy.RedeliverInterval.Ticks);
        Schedule();
        return failures;
    }

    /// <summary>Replays what a journal says.</summary>
    public void RestoreFailures(long sequence, int failures)
    {
        if (!IsAcknowledged(sequence))
        {
            _failures[sequence] = failures;
        }
    }

    /// <summary>Gives up what the topic has dropped.</summary>
    public void DropTo(long first)
    {
        if (_acknowledgedThrough >= first - 1)
        {
            return;
        }

        _acknowledgedThrough = _acknowledgedBeyond.Absorb(first - 1);
        foreach (var sequence in _failures.Keys.Where(sequence => sequence < first).ToList())
        {
            _failures.Remove(sequence);
        }
    }

    public GroupImage Capture() => new(Name, _acknowledgedThrough, _acknowledgedBeyond.ToArray(), [.. _failures]);

    public GroupBacklog Backlog()
    {
        var pending = 0;
        for (var sequence = Math.Max(_acknowledgedThrough + 1, _topic.First); sequence < _topic.Next; sequence++)
        {
            if (!IsAcknowledged(sequence) && _topic.Find(sequence) is { } entry && entry.ExpiresAt > Now)
            {
                pending++;
            }
        }

        return new GroupBacklog(
            _topic.Name, Name, pending, _delayed.Count, _delayed.TryPeek(out _, out var due) ? new DateTimeOffset(due, TimeSpan.Zero) : null,
            _subscriptions.Sum(subscription => subscription.Running));
    }

    /// <summary>Arms the timer for the earliest redelivery or end of a pause.</summary>
    public void Schedule()
    {
        var due = _delayed.TryPeek(out _, out var delayed) ? delayed : long.MaxValue;
        foreach (var subscription in _subscriptions)
        {
            if (subscription.PausedUntil > 0)
            {
                due = Math.Min(due, subscription.PausedUntil);
            }
        }

        if (due == long.MaxValue)
        {
            return;
        }

        var wait = TimeSpan.FromTicks(Math.Max(0, due - Now));
        _timer ??= _topic.Broker.Time.CreateTimer(
            static group => ((ConsumerGroup)group!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(wait, Timeout.InfiniteTimeSpan);
    }

    private long Now => _topic.Broker.Time.GetUtcNow().Ticks;

    private long Available => _returned.Count + Math.Max(0, _topic.Next - Math.Max(_cursor, _topic.First));

    private void OnTimer()
    {
        lock (_topic.Gate)
        {
            var now = Now;
            while (_delayed.TryPeek(out var sequence, out var due) && due <= now)
            {
                _delayed.Dequeue();
                _returned.Add(sequence);
            }

            foreach (var subscription in _subscriptions)
            {
                subscription.EndPause(now);
            }

            if (_subscriptions.Count > 0)
            {
                Schedule();
            }

            Dispatch();
        }
    }

    private GroupSubscription? Freest()
    {
        GroupSubscription? best = null;
        foreach (var subscription in _subscriptions)
        {
            if (subscription.Free > (best?.Free ?? 0))
            {
                best = subscription;
            }
        }

        return best;
    }

    private long? NextSequence()
    {
        if (_returned.Count > 0)
        {
            var sequence = _returned.Min;
            _returned.Remove(sequence);
            return sequence;
        }

        if (_cursor < _topic.First)
        {
            DropTo(_topic.First);
            _cursor = _topic.First;
        }

        return _cursor < _topic.Next ? _cursor++ : null;
    }
}
