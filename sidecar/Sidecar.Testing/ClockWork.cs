namespace Sidecar.Testing;

/// <summary>
/// A piece of work that sometimes waits for the clock: while a delay that it began on a <see cref="VirtualClock"/> is armed. Limits that it sets
/// itself are no waits. Known along its asynchronous flow.
/// </summary>
internal sealed class ClockWork
{
    private static readonly AsyncLocal<ClockWork?> Flow = new();

    private int _waits;

    /// <summary>The work of this flow.</summary>
    public static ClockWork? Current
    {
        get => Flow.Value;
        set => Flow.Value = value;
    }

    /// <summary>Whether it goes on only when the clock does.</summary>
    public bool IsWaiting => Volatile.Read(ref _waits) > 0;

    /// <summary>A delay is armed.</summary>
    public void Wait() => Interlocked.Increment(ref _waits);

    /// <summary>It fires, or ends.</summary>
    public void GoOn() => Interlocked.Decrement(ref _waits);
}
