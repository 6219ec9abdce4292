namespace Sidecar.Components.Broker;

/// <summary>
/// The entries of a topic in a growing ring, addressed by sequence. An entry is <em>done</em> when nobody needs it except
/// groups to come; done entries are released oldest first, also from between entries that are still needed, and the ring
/// shrinks at its front. Guarded by the topic's lock.
/// </summary>
internal sealed class EntryLog(Func<long, bool> isDone)
{
    private TopicEntry?[] _ring = new TopicEntry?[16];
    private int _head;
    private int _count;
    private long _releasePoint = 1;
    private long _liveBytes;
    private long _doneBytes;

    public long First { get; private set; } = 1;

    public long Next => First + _count;

    /// <summary>Entries that are kept.</summary>
    public int Live { get; private set; }

    /// <summary>Those of them that are done.</summary>
    public int Done { get; private set; }

    /// <summary>Bytes of those that are kept.</summary>
    public long Bytes => _liveBytes;

    /// <summary>Bytes of those that are not done.</summary>
    public long PendingBytes => _liveBytes - _doneBytes;

    public IEnumerable<TopicEntry> Entries
    {
        get
        {
            for (var sequence = First; sequence < Next; sequence++)
            {
                if (Find(sequence) is { } entry)
                {
                    yield return entry;
                }
            }
        }
    }

    public TopicEntry? Find(long sequence) => sequence < First || sequence >= Next ? null : _ring[Slot(sequence)];

    public void Append(TopicEntry entry)
    {
        Push(entry);
        Live++;
        _liveBytes += entry.Data.Length;
    }

    /// <summary>Leaves a gap up to the sequence.</summary>
    public void SkipTo(long sequence)
    {
        while (Next < sequence)
        {
            if (_count == 0)
            {
                First = sequence;
                return;
            }

            Push(null);
        }
    }

    public void Reset(long first, long next)
    {
        First = first;
        _releasePoint = first;
        while (Next < next)
        {
            Push(null);
        }
    }

    public void Restore(TopicEntry entry)
    {
        SkipTo(entry.Sequence);
        if (entry.Sequence == Next)
        {
            Push(null);
        }

        _ring[Slot(entry.Sequence)] = entry;
        Live++;
        _liveBytes += entry.Data.Length;
    }

    /// <summary>Counts again who is done, after a group came or went.</summary>
    public void Recount()
    {
        Done = 0;
        _doneBytes = 0;
        _releasePoint = First;
        foreach (var entry in Entries)
        {
            if (isDone(entry.Sequence))
            {
                MarkDone(entry);
            }
        }
    }

    /// <summary>Notes that the entry has become done.</summary>
    public void MarkDone(TopicEntry entry)
    {
        if (entry.Sequence < _releasePoint)
        {
            Clear(entry);
            return;
        }

        Done++;
        _doneBytes += entry.Data.Length;
    }

    /// <summary>Releases done entries while more than allowed are kept, or the oldest was published before the time given.</summary>
    public void Release(int keepMessages, long keepBytes, long keepSince)
    {
        for (; Done > 0 && _releasePoint < Next; _releasePoint++)
        {
            if (Find(_releasePoint) is not { } entry)
            {
                continue;
            }

            if (Done <= keepMessages && _doneBytes <= keepBytes && entry.PublishedAt >= keepSince)
            {
                break;
            }

            // One that is still needed is passed over; it goes as soon as it is done.
            if (isDone(entry.Sequence))
            {
                Forget(entry);
            }
        }

        ShrinkFront();
    }

    /// <summary>Drops everything before the sequence, needed or not.</summary>
    public void DropTo(long sequence)
    {
        while (First < sequence && _count > 0)
        {
            if (Find(First) is { } entry)
            {
                Forget(entry);
            }

            PopFront();
        }
    }

    private int Slot(long sequence) => (int)((_head + (sequence - First)) & (_ring.Length - 1));

    private void Push(TopicEntry? entry)
    {
        if (_count == _ring.Length)
        {
            var larger = new TopicEntry?[_ring.Length * 2];
            for (var i = 0; i < _count; i++)
            {
                larger[i] = _ring[(_head + i) & (_ring.Length - 1)];
            }

            _ring = larger;
            _head = 0;
        }

        _ring[(_head + _count) & (_ring.Length - 1)] = entry;
        _count++;
    }

    private void Forget(TopicEntry entry)
    {
        // Before the release point nothing that is kept is done.
        if (entry.Sequence >= _releasePoint && isDone(entry.Sequence))
        {
            Done--;
            _doneBytes -= entry.Data.Length;
        }

        Clear(entry);
    }

    private void Clear(TopicEntry entry)
    {
        _ring[Slot(entry.Sequence)] = null;
        Live--;
        _liveBytes -= entry.Data.Length;
    }

    private void ShrinkFront()
    {
        while (_count > 0 && _ring[_head] is null)
        {
            PopFront();
        }
    }

    private void PopFront()
    {
        _ring[_head] = null;
        _head = (_head + 1) & (_ring.Length - 1);
        First++;
        _count--;
        _releasePoint = Math.Max(_releasePoint, First);
    }
}
