namespace Sidecar.Actors.Schedules;

/// <summary>A thing to do at a time; may be scheduled again. Its failures are its own business.</summary>
internal sealed class DueEntry(Func<Task> fire)
{
    public DateTimeOffset Due { get; set; }

    public long Sequence { get; set; }

    public bool IsQueued { get; set; }

    public Func<Task> Fire { get; } = fire;
}

/// <summary>All that is due later, in one ordered set behind one clock timer: nobody looks through it while nothing is due.</summary>
internal sealed class DueQueue : IAsyncDisposable
{
    /// <summary>Longest sleep of the clock timer; later entries are looked at again.</summary>
    private static readonly TimeSpan MaxSleep = TimeSpan.FromHours(12);

    private static readonly Comparer<DueEntry> ByDue = Comparer<DueEntry>.Create((a, b) =>
        a.Due != b.Due ? a.Due.CompareTo(b.Due) : a.Sequence.CompareTo(b.Sequence));

    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();
    private readonly SortedSet<DueEntry> _entries = new(ByDue);
    private long _sequence;
    private bool _isDisposed;

    public DueQueue(TimeProvider time)
    {
        _time = time;
        _timer = time.CreateTimer(static queue => ((DueQueue)queue!).OnClock(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Puts the entry in its place; an earlier place of it is forgotten.</summary>
    public void Schedule(DueEntry entry, DateTimeOffset due)
    {
        lock (_lock)
        {
            if (_isDisposed)
            {
                return;
            }

            Remove(entry);
            (entry.Due, entry.Sequence, entry.IsQueued) = (due, ++_sequence, true);
            _entries.Add(entry);
            if (ReferenceEquals(_entries.Min, entry))
            {
                Arm();
            }
        }
    }

    public void Cancel(DueEntry entry)
    {
        lock (_lock)
        {
            Remove(entry);
        }
    }

    /// <summary>Nothing fires any more; what has fired is not waited for.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _entries.Clear();
        }

        await _timer.DisposeAsync();
    }

    private void Remove(DueEntry entry)
    {
        if (entry.IsQueued)
        {
            _entries.Remove(entry);
            entry.IsQueued = false;
        }
    }

    private void OnClock()
    {
        lock (_lock)
        {
            var now = _time.GetUtcNow();
            while (!_isDisposed && _entries.Min is { } first && first.Due <= now)
            {
                Remove(first);
                _ = Task.Run(first.Fire);
            }

            Arm();
        }
    }

    private void Arm()
    {
        if (!_isDisposed && _entries.Min is { } first)
        {
            var sleep = first.Due - _time.GetUtcNow();
            // Whole milliseconds, rounded up: the clock timer would cut off the rest and come early.
            sleep = sleep <= TimeSpan.Zero ? TimeSpan.Zero
                : sleep > MaxSleep ? MaxSleep
                : TimeSpan.FromMilliseconds(Math.Ceiling(sleep.TotalMilliseconds));
            _timer.Change(sleep, Timeout.InfiniteTimeSpan);
        }
    }
}
