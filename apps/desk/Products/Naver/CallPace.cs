namespace Desk.Products.Naver;

/// <summary>Lets so many calls begin within any second, those that wait in the order in which they came.</summary>
internal sealed class CallPace
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly long _origin;

    /// <summary>When the last calls began or will, in a ring.</summary>
    private readonly TimeSpan[] _starts;
    private int _next;

    public CallPace(int perSecond, TimeProvider time)
    {
        (_time, _origin, _starts) = (time, time.GetTimestamp(), new TimeSpan[perSecond]);
        Array.Fill(_starts, -Window);
    }

    /// <summary>Waits until a call may begin. One that leaves meanwhile has used its place.</summary>
    public Task WaitAsync(CancellationToken cancellationToken)
    {
        TimeSpan wait;
        lock (_gate)
        {
            var now = _time.GetElapsedTime(_origin);
            var start = _starts[_next] + Window;
            _starts[_next] = start > now ? start : now;
            wait = _starts[_next] - now;
            _next = (_next + 1) % _starts.Length;
        }

        // Timers go by whole milliseconds, and not too early.
        return wait > TimeSpan.Zero ? Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds)), _time, cancellationToken) : Task.CompletedTask;
    }
}
