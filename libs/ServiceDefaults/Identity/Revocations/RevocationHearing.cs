using Contracts.Identity;

namespace ServiceDefaults.Identity;

/// <summary>
/// Decides when the documents have to be read, from what was heard of the replicas of auth: a missing number, somebody new, somebody silent,
/// nobody at all. A replica stores before it tells, so a reading that begins after the doubt settles it. Moments are times since any start,
/// by a clock that is never set. Not thread-safe.
/// </summary>
internal sealed class RevocationHearing(RevocationOptions options)
{
    private readonly Dictionary<Guid, Source> _sources = [];
    private readonly List<Guid> _forgotten = [];
    private long _doubts;
    private long _settled;
    private TimeSpan? _doubtSince = TimeSpan.Zero;
    private TimeSpan? _lastAttempt;
    private TimeSpan? _lastHeard;
    private bool _isLoaded;

    /// <summary>When the last message that was heard was sent; null before the first.</summary>
    public TimeSpan? LastHeard => _lastHeard;

    /// <summary>
    /// A message came, so long after it was sent. Who is heard late is silent in between: life is counted from the sending. Doubled and
    /// overtaken messages say nothing about who is there.
    /// </summary>
    public void Hear(TokenRevoked message, TimeSpan age, TimeSpan now)
    {
        var sent = age > TimeSpan.Zero ? now - age : now;
        if (!_sources.TryGetValue(message.Source, out var source))
        {
            // Its messages before may have been missed.
            _sources[message.Source] = source = new Source { Sequence = message.Sequence };
            Doubt(now);
        }
        else if (message.Sequence <= source.Sequence)
        {
            return;
        }
        else if (message.Sequence > source.Sequence + 1)
        {
            Doubt(now);
        }

        source.Sequence = message.Sequence;
        source.Heard = sent;
        source.HasLeft |= message.Leaving;
        _lastHeard = sent;
    }

    /// <summary>Whether everybody who may revoke is heard.</summary>
    public RevocationFeedState StateAt(TimeSpan now)
    {
        var (present, silent) = (0, 0);
        foreach (var source in _sources.Values)
        {
            if (!source.HasLeft)
            {
                _ = now - source.Heard >= options.HeartbeatTimeout ? silent++ : present++;
            }
        }

        return present > 0 && silent == 0 ? RevocationFeedState.Listening : RevocationFeedState.Reading;
    }

    /// <summary>Whether the documents have to be read now; at most one reading per <see cref="RevocationOptions.RereadInterval"/>.</summary>
    public bool IsReadingDue(TimeSpan now)
    {
        Forget(now);
        if (_lastAttempt is { } last && now - last < options.RereadInterval)
        {
            return false;
        }

        if (StateAt(now) == RevocationFeedState.Reading)
        {
            Doubt(now);
        }

        return _doubts > _settled || !_isLoaded || now - _lastAttempt >= options.Refresh;
    }

    /// <summary>A reading begins; the number goes to its end.</summary>
    public long BeginReading(TimeSpan now)
    {
        _lastAttempt = now;
        return _doubts;
    }

    /// <summary>All documents were read: settles the doubts that were there when the reading began.</summary>
    public void EndReading(long doubts, TimeSpan begun)
    {
        _isLoaded = true;
        _settled = doubts;
        _doubtSince = _doubts > doubts ? begun : null;
    }

    /// <summary>Whether what is known can be relied on: not before the first reading, and not when a doubt stays for too long.</summary>
    public bool AreKnown(TimeSpan now) => _isLoaded && !(now - _doubtSince >= options.UnknownAfter);

    private void Doubt(TimeSpan now)
    {
        _doubts++;
        _doubtSince ??= now;
    }

    private void Forget(TimeSpan now)
    {
        foreach (var (id, source) in _sources)
        {
            if (now - source.Heard >= options.SilentSourceMemory)
            {
                _forgotten.Add(id);
            }
        }

        foreach (var id in _forgotten)
        {
            _sources.Remove(id);
        }

        _forgotten.Clear();
    }

    private sealed class Source
    {
        public long Sequence { get; set; }

        public TimeSpan Heard { get; set; }

        public bool HasLeft { get; set; }
    }
}

/// <summary>By what an app learns of revocations.</summary>
internal enum RevocationFeedState
{
    /// <summary>Every replica of auth is heard: by messages, within milliseconds.</summary>
    Listening,

    /// <summary>Somebody is not heard: by reading the documents every second.</summary>
    Reading,
}
