namespace Ai.Providers;

/// <summary>
/// A value that is read when it is first asked for and again when it is due. Whoever asks while it is read again gets the last one, so that only the first
/// waits. <paramref name="read"/> gets the last value and answers the next and when that is due, which may be never; it turns failures into values.
/// </summary>
internal sealed class Refreshed<T>(Func<T?, Task<(T Value, TimeSpan DueIn)>> read, TimeProvider time) where T : class
{
    private readonly Lock _lock = new();
    private T? _value;
    private long _due;
    private Task? _reading;

    /// <summary>The last value, without a wait; null before the first. Starts a read when it is due.</summary>
    public T? Last
    {
        get
        {
            ReadIfDue();
            return Volatile.Read(ref _value);
        }
    }

    /// <summary>The last value; waits for the first.</summary>
    public ValueTask<T> GetAsync(CancellationToken cancellationToken)
    {
        var reading = ReadIfDue();
        return Volatile.Read(ref _value) is { } value ? new(value) : new(FirstAsync(reading, cancellationToken));
    }

    /// <summary>Makes it due no later than <paramref name="after"/> from now.</summary>
    public void Expire(TimeSpan after)
    {
        var due = Timestamp(after);
        lock (_lock)
        {
            _due = Math.Min(_due, due);
        }
    }

    private Task ReadIfDue()
    {
        if (Volatile.Read(ref _value) is not null && time.GetTimestamp() < Volatile.Read(ref _due))
        {
            return Task.CompletedTask;
        }

        lock (_lock)
        {
            if (_reading is { } running)
            {
                return running;
            }

            // What needs no wait has ended by now.
            var reading = ReadAsync();
            _reading = reading.IsCompleted ? null : reading;
            return reading;
        }
    }

    private async Task<T> FirstAsync(Task reading, CancellationToken cancellationToken)
    {
        await reading.WaitAsync(cancellationToken);
        return Volatile.Read(ref _value)!;
    }

    private async Task ReadAsync()
    {
        try
        {
            var (value, dueIn) = await read(_value).ConfigureAwait(false);
            lock (_lock)
            {
                _due = Timestamp(dueIn);
                Volatile.Write(ref _value, value);
            }
        }
        finally
        {
            lock (_lock)
            {
                _reading = null;
            }
        }
    }

    private long Timestamp(TimeSpan after) =>
        after == Timeout.InfiniteTimeSpan ? long.MaxValue : time.GetTimestamp() + (long)(after.TotalSeconds * time.TimestampFrequency);
}
