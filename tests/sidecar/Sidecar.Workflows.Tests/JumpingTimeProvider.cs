namespace Sidecar.Workflows.Tests;

/// <summary>A clock that jumps to the due time of a timer the moment it is armed: durable timers take no time and keep their order.</summary>
internal sealed class JumpingTimeProvider : TimeProvider
{
    private long _ticks = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).Ticks;

    public override DateTimeOffset GetUtcNow() => new(Volatile.Read(ref _ticks), TimeSpan.Zero);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new JumpingTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class JumpingTimer(JumpingTimeProvider clock, TimerCallback callback, object? state) : ITimer
    {
        private int _armed;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            var armed = Interlocked.Increment(ref _armed);
            if (dueTime >= TimeSpan.Zero)
            {
                Interlocked.Add(ref clock._ticks, dueTime.Ticks);
                // As a real timer: on another thread, and not when it was armed anew meanwhile.
                ThreadPool.QueueUserWorkItem(_ =>
                {
                    if (Volatile.Read(ref _armed) == armed)
                    {
                        callback(state);
                    }
                });
            }

            return true;
        }

        public void Dispose() => Interlocked.Increment(ref _armed);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
