using Sidecar.Abstractions;

namespace Sidecar.Components.Broker;

/// <summary>
/// An append log with consumer groups, as a Redis stream. One lock guards the topic and its groups; it is held for a few
/// list operations and never across an await.
/// </summary>
internal sealed class Topic
{
    private readonly Dictionary<string, ConsumerGroup> _groups = new(StringComparer.Ordinal);
    private readonly EntryLog _log;
    private int _backlog;
    private long _backlogBytes;

    public Topic(MessageBroker broker, string name)
    {
        Broker = broker;
        Name = name;
        _log = new EntryLog(IsDone);
    }

    public Lock Gate { get; } = new();

    public MessageBroker Broker { get; }

    public string Name { get; }

    /// <summary>Sequence of the oldest message that is kept.</summary>
    public long First => _log.First;

    /// <summary>Sequence that the next message gets.</summary>
    public long Next => _log.Next;

    /// <summary>About as many bytes as the messages take in a file.</summary>
    public long Bytes => _log.Bytes + (_log.Live * 64L);

    /// <summary>Sequences that a durable store has given out; touched by its writer only.</summary>
    public long Reserved { get; set; }

    /// <summary>Throws when so much is unacknowledged that no more may be published.</summary>
    public void CheckBacklog()
    {
        if (Volatile.Read(ref _backlog) >= Broker.Policy.MaxBacklog)
        {
            throw new InvalidOperationException(
                $"topic '{Name}' of '{Broker.Name}' holds {_backlog} unacknowledged messages and takes no more until its subscribers catch up: "
                + $"its limit is {Broker.Policy.MaxBacklog} (metadata maxBacklog)");
        }

        if (Volatile.Read(ref _backlogBytes) >= Broker.Policy.MaxBacklogBytes)
        {
            throw new InvalidOperationException(
                $"topic '{Name}' of '{Broker.Name}' holds unacknowledged messages of {_backlogBytes} bytes and takes no more until its subscribers catch up: "
                + $"its limit is {Broker.Policy.MaxBacklogBytes} (metadata maxBacklogBytes)");
        }
    }

    /// <summary>Appends entries, gives them their sequences and hands them out; for a broker without a journal.</summary>
    public void Publish(ReadOnlySpan<TopicEntry> entries)
    {
        lock (Gate)
        {
            foreach (var entry in entries)
            {
                entry.Sequence = _log.Next;
                _log.Append(entry);
            }

            AfterAppend();
        }
    }

    /// <summary>Appends an entry that already has its sequence; one that the log has seen is ignored (replay over a snapshot).</summary>
    public void Append(TopicEntry entry)
    {
        lock (Gate)
        {
            if (entry.Sequence >= _log.Next)
            {
                _log.SkipTo(entry.Sequence);
                _log.Append(entry);
                AfterAppend();
            }
        }
    }

    /// <summary>
    /// The group, made when absent: a lasting one after <paramref name="acknowledgedThrough"/>, an ephemeral one at the end.
    /// </summary>
    public ConsumerGroup Group(string group, bool ephemeral, long acknowledgedThrough)
    {
        lock (Gate)
        {
            if (!_groups.TryGetValue(group, out var found))
            {
                var start = ephemeral ? _log.Next - 1 : Math.Max(acknowledgedThrough, _log.First - 1);
                found = new ConsumerGroup(this, group, ephemeral, start);
                _groups.Add(group, found);
                _log.Recount();
                TrimLocked();
            }

            return found;
        }
    }

    public bool HasGroup(string group)
    {
        lock (Gate)
        {
            return _groups.ContainsKey(group);
        }
    }

    /// <summary>Performs an acknowledgement that a journal tells of.</summary>
    public void ReplayAcknowledged(string group, long sequence)
    {
        lock (Gate)
        {
            _groups.GetValueOrDefault(group)?.Acknowledge(sequence);
        }
    }

    /// <summary>Performs the acknowledgements of a range that a snapshot tells of.</summary>
    public void ReplayAcknowledged(string group, long first, long last)
    {
        lock (Gate)
        {
            for (var sequence = first; sequence <= last; sequence++)
            {
                _groups.GetValueOrDefault(group)?.Acknowledge(sequence);
            }
        }
    }

    /// <summary>Sets the failures that a journal tells of.</summary>
    public void ReplayFailure(string group, long sequence, int failures)
    {
        lock (Gate)
        {
            _groups.GetValueOrDefault(group)?.RestoreFailures(sequence, failures);
        }
    }

    /// <summary>A consistent copy for a snapshot.</summary>
    public TopicImage Capture()
    {
        lock (Gate)
        {
            var lasting = _groups.Values.Where(group => !group.Ephemeral);
            return new TopicImage(_log.First, _log.Next, [.. _log.Entries], [.. lasting.Select(group => group.Capture())]);
        }
    }

    /// <summary>What the groups have not acknowledged.</summary>
    public GroupBacklog[] Backlog()
    {
        lock (Gate)
        {
            return [.. _groups.Values.Select(group => group.Backlog())];
        }
    }

    /// <summary>Sets an empty topic to what a snapshot says.</summary>
    public void Restore(long first, long next)
    {
        lock (Gate)
        {
            _log.Reset(first, next);
        }
    }

    /// <summary>Puts back an entry of a snapshot.</summary>
    public void Restore(TopicEntry entry)
    {
        lock (Gate)
        {
            _log.Restore(entry);
            UpdateBacklog();
        }
    }

    /// <summary>Drops what need not be kept under the broker's policy.</summary>
    public void Trim()
    {
        lock (Gate)
        {
            _log.Recount();
            TrimLocked();
        }
    }

    // The members below are called with the gate held.

    internal TopicEntry? Find(long sequence) => _log.Find(sequence);

    internal void Remove(ConsumerGroup group)
    {
        _groups.Remove(group.Name);
        _log.Recount();
        TrimLocked();
    }

    internal void Acknowledged(long sequence)
    {
        if (_log.Find(sequence) is { } entry && IsDone(sequence))
        {
            _log.MarkDone(entry);
            TrimLocked();
        }
    }

    private void AfterAppend()
    {
        TrimLocked();
        foreach (var group in _groups.Values)
        {
            group.Dispatch();
        }
    }

    private bool IsDone(long sequence)
    {
        var lasting = Broker.Policy.Ephemeral;
        foreach (var group in _groups.Values)
        {
            if (group.Ephemeral && !Broker.Policy.Ephemeral)
            {
                continue;
            }

            lasting = true;
            if (!group.IsAcknowledged(sequence))
            {
                return false;
            }
        }

        return lasting;
    }

    private void TrimLocked()
    {
        var policy = Broker.Policy;
        if (policy.Ephemeral)
        {
            if (_groups.Count == 0)
            {
                _log.DropTo(_log.Next);
            }

            _log.Release(0, 0, long.MaxValue);
        }
        else
        {
            _log.Release(policy.RetainedMessages, policy.RetainedBytes, Broker.Time.GetUtcNow().Ticks - policy.Retention.Ticks);
        }

        var limit = policy.MaxLength > 0 ? policy.MaxLength
            : HasLastingGroup() ? long.MaxValue
            : BrokerPolicy.DefaultMaxLength;
        if (_log.Next - _log.First > limit)
        {
            _log.DropTo(_log.Next - limit);
            foreach (var group in _groups.Values)
            {
                group.DropTo(_log.First);
            }
        }

        UpdateBacklog();
    }

    // Without a lasting group nobody is behind: the length limit bounds the topic, publishing never fails.
    private void UpdateBacklog()
    {
        var (messages, bytes) = HasLastingGroup() ? (_log.Live - _log.Done, _log.PendingBytes) : (0, 0);
        Volatile.Write(ref _backlog, messages);
        Volatile.Write(ref _backlogBytes, bytes);
    }

    private bool HasLastingGroup()
    {
        foreach (var group in _groups.Values)
        {
            if (!group.Ephemeral)
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>A topic as a snapshot stores it.</summary>
internal sealed record TopicImage(long First, long Next, TopicEntry[] Entries, GroupImage[] Groups);

/// <summary>A group as a snapshot stores it.</summary>
internal sealed record GroupImage(string Name, long AcknowledgedThrough, (long First, long Last)[] AcknowledgedBeyond, KeyValuePair<long, int>[] Failures);
