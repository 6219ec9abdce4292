namespace Sidecar.Testing;

/// <summary>
/// A clock that stands still until a test moves it. Timers that became due fire during the call, on the calling thread, in the order of
/// their due times. What a timer sets off elsewhere goes on after the call: <see cref="SidecarHost.AdvanceAsync"/> waits for that between timers.
/// </summary>
public class VirtualClock : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<VirtualTimer> _timers = [];
    private readonly Dictionary<TimeSpan, int> _started = [];
    private DateTimeOffset _now;
    private long _changes;

    /// <summary>Starts at the time given, by default 2026-01-01T00:00Z.</summary>
    public VirtualClock(DateTimeOffset? start = null) => _now = start ?? new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>How many timers are armed: lets a test know that code has begun to wait.</summary>
    public int ArmedTimers
    {
        get
        {
            lock (_gate)
            {
                return _timers.Count(timer => timer.Due != DateTimeOffset.MaxValue);
            }
        }
    }

    /// <summary>When the next timer is due; null when none is armed.</summary>
    public DateTimeOffset? NextTimer
    {
        get
        {
            lock (_gate)
            {
                return NextArmed()?.Due;
            }
        }
    }

    /// <summary>Changes with every timer that is armed, ends or fires: how the host sees that work goes on.</summary>
    internal long Changes => Interlocked.Read(ref _changes);

    /// <summary>Raised where a timer is armed, before it can fire.</summary>
    internal event Action? Armed;

    /// <summary>How many timers were ever started with this due time: tells a wait of the code under test from those of its surroundings.</summary>
    public int Started(TimeSpan dueTime)
    {
        lock (_gate)
        {
            return _started.GetValueOrDefault(dueTime);
        }
    }

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate)
        {
            return _now;
        }
    }

    /// <inheritdoc/>
    public override long GetTimestamp() => GetUtcNow().Ticks;

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new VirtualTimer(this, callback, state);
        lock (_gate)
        {
            _timers.Add(timer);
        }

        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Moves the clock on.</summary>
    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        var target = GetUtcNow() + by;
        while (FireNext(target))
        {
        }
    }

    /// <summary>Moves the clock to the next timer and fires it, with all others of that moment. Returns by how much; null when no timer is armed.</summary>
    public TimeSpan? AdvanceToNextTimer()
    {
        var before = GetUtcNow();
        if (NextTimer is not { } next)
        {
            return null;
        }

        var by = next > before ? next - before : TimeSpan.Zero;
        Advance(by);
        return by;
    }

    /// <summary>Fires the next timer that is due by then, or else sets the clock to the target and returns false.</summary>
    internal bool FireNext(DateTimeOffset target)
    {
        VirtualTimer? next;
        lock (_gate)
        {
            next = NextArmed() is { } armed && armed.Due <= target ? armed : null;
            var now = next?.Due ?? target;
            _now = now > _now ? now : _now;
            next?.Rearm();
        }

        if (next is null)
        {
            return false;
        }

        next.Fire();
        return true;
    }

    private VirtualTimer? NextArmed() => _timers.Where(timer => timer.Due != DateTimeOffset.MaxValue).MinBy(timer => timer.Due);

    private sealed class VirtualTimer(VirtualClock clock, TimerCallback callback, object? state) : ITimer
    {
        // As a real timer: it fires in the flow that made it, not in that of the test.
        private readonly ExecutionContext? _flow = ExecutionContext.Capture();
        private TimeSpan _period;

        public DateTimeOffset Due { get; private set; } = DateTimeOffset.MaxValue;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Interlocked.Increment(ref clock._changes);
            if (dueTime != Timeout.InfiniteTimeSpan)
            {
                clock.Armed?.Invoke();
            }

            lock (clock._gate)
            {
                clock._started[dueTime] = clock._started.GetValueOrDefault(dueTime) + 1;
                _period = period;
                Due = dueTime == Timeout.InfiniteTimeSpan ? DateTimeOffset.MaxValue : clock._now + dueTime;
                if (dueTime != TimeSpan.Zero)
                {
                    return true;
                }

                Rearm();
            }

            // As a real timer: due at once, on another thread.
            ThreadPool.QueueUserWorkItem(static timer => ((VirtualTimer)timer!).Fire(), this);
            return true;
        }

        public void Rearm() =>
            Due = _period > TimeSpan.Zero && Due != DateTimeOffset.MaxValue ? Due + _period : DateTimeOffset.MaxValue;

        public void Fire()
        {
            Interlocked.Increment(ref clock._changes);
            if (_flow is null)
            {
                callback(state);
            }
            else
            {
                ExecutionContext.Run(_flow, static timer => ((VirtualTimer)timer!).Call(), this);
            }
        }

        public void Dispose()
        {
            Interlocked.Increment(ref clock._changes);
            lock (clock._gate)
            {
                Due = DateTimeOffset.MaxValue;
                clock._timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Call() => callback(state);
    }
}
