using System.Threading.Channels;

namespace Sidecar.Workflows.Timers;

/// <summary>A thing to do at a time for an instance. Two entries with equal owner and key are one.</summary>
/// <param name="Owner">Instance id; all entries of an owner can be removed at once.</param>
/// <param name="Key">Names the entry among its owner's.</param>
/// <param name="Due">When.</param>
/// <param name="Fire">What; its failures are its own business.</param>
internal sealed record TimerEntry(string Owner, string Key, DateTimeOffset Due, Func<Task> Fire)
{
    public long Sequence { get; set; }
}

/// <summary>All timers of an engine in one ordered set behind one clock timer; due entries run a few at a time.</summary>
internal sealed class TimerQueue : IAsyncDisposable
{
    private const int Runners = 8;

    /// <summary>Longest sleep of the clock timer; later entries are looked at again.</summary>
    private static readonly TimeSpan MaxSleep = TimeSpan.FromHours(12);

    private static readonly Comparer<TimerEntry> ByDue = Comparer<TimerEntry>.Create((a, b) =>
        a.Due != b.Due ? a.Due.CompareTo(b.Due) : a.Sequence.CompareTo(b.Sequence));

    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();
    private readonly SortedSet<TimerEntry> _entries = new(ByDue);
    private readonly Dictionary<string, Dictionary<string, TimerEntry>> _byOwner = new(StringComparer.Ordinal);
    private readonly Channel<TimerEntry> _due = Channel.CreateUnbounded<TimerEntry>();
    private readonly Task[] _runners;
    private long _sequence;
    private bool _disposed;

    public TimerQueue(TimeProvider time)
    {
        _time = time;
        _timer = time.CreateTimer(static queue => ((TimerQueue)queue!).OnClock(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _runners = [.. Enumerable.Range(0, Runners).Select(_ => Task.Run(RunAsync))];
    }

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _entries.Count;
            }
        }
    }

    /// <summary>Adds an entry; false when there is one with its owner and key.</summary>
    public bool Add(TimerEntry entry)
    {
        lock (_lock)
        {
            if (_disposed)
            {
                return false;
            }

            if (!_byOwner.TryGetValue(entry.Owner, out var owned))
            {
                _byOwner.Add(entry.Owner, owned = new Dictionary<string, TimerEntry>(StringComparer.Ordinal));
            }

            if (!owned.TryAdd(entry.Key, entry))
            {
                return false;
            }

            entry.Sequence = ++_sequence;
            _entries.Add(entry);
            if (ReferenceEquals(_entries.Min, entry))
            {
                Arm();
            }

            return true;
        }
    }

    public void RemoveAll(string owner)
    {
        lock (_lock)
        {
            if (_byOwner.Remove(owner, out var owned))
            {
                foreach (var entry in owned.Values)
                {
                    _entries.Remove(entry);
                }
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            _disposed = true;
            _entries.Clear();
            _byOwner.Clear();
        }

        await _timer.DisposeAsync();
        _due.Writer.TryComplete();
        while (_due.Reader.TryRead(out _))
        {
        }

        await Task.WhenAll(_runners);
    }

    private void OnClock()
    {
        lock (_lock)
        {
            var now = _time.GetUtcNow();
            while (!_disposed && _entries.Min is { } first && first.Due <= now)
            {
                _entries.Remove(first);
                var owned = _byOwner[first.Owner];
                owned.Remove(first.Key);
                if (owned.Count == 0)
                {
                    _byOwner.Remove(first.Owner);
                }

                _due.Writer.TryWrite(first);
            }

            Arm();
        }
    }

    private void Arm()
    {
        if (!_disposed && _entries.Min is { } first)
        {
            var sleep = first.Due - _time.GetUtcNow();
            // Timers count whole milliseconds: rounded down, one would come early and be armed for nothing.
            sleep = sleep <= TimeSpan.Zero ? TimeSpan.Zero : sleep > MaxSleep ? MaxSleep : TimeSpan.FromMilliseconds(Math.Ceiling(sleep.TotalMilliseconds));
            _timer.Change(sleep, Timeout.InfiniteTimeSpan);
        }
    }

    private async Task RunAsync()
    {
        await foreach (var entry in _due.Reader.ReadAllAsync())
        {
            await entry.Fire();
        }
    }
}
