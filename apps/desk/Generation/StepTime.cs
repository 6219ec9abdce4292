namespace Desk.Generation;

/// <summary>
/// The time of a step: over when it has worked as long as it may, or its task's deadline is there. Standing in line is no work: with more tasks than processors they
/// all wait, and a step that was ended for it would only stand at the end of the line again.
/// </summary>
public sealed class StepTime : IDisposable
{
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _work;
    private readonly CancellationTokenSource _deadline;
    private readonly CancellationTokenSource _either;
    private TimeSpan _left;
    private long _since;

    /// <param name="step">The step.</param>
    /// <param name="work">How long the step may work.</param>
    /// <param name="untilDeadline">How long it may take at all.</param>
    /// <param name="time">Clock.</param>
    public StepTime(DeskStep step, TimeSpan work, TimeSpan untilDeadline, TimeProvider time)
    {
        Step = step;
        (_time, _left, _since) = (time, work, time.GetTimestamp());
        _work = new CancellationTokenSource(work, time);
        _deadline = new CancellationTokenSource(untilDeadline, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_work.Token, _deadline.Token);
    }

    /// <summary>Whose time it is.</summary>
    public DeskStep Step { get; }

    /// <summary>Cancelled when the time is over.</summary>
    public CancellationToken Token => _either.Token;

    /// <summary>Stands in a line, one at a time.</summary>
    public async Task WaitAsync(Func<CancellationToken, Task> turn)
    {
        _left -= _time.GetElapsedTime(_since);
        _work.CancelAfter(Timeout.InfiniteTimeSpan);
        try
        {
            await turn(Token);
        }
        finally
        {
            _since = _time.GetTimestamp();
            _work.CancelAfter(_left > TimeSpan.Zero ? _left : TimeSpan.Zero);
        }
    }

    public void Dispose()
    {
        _either.Dispose();
        _work.Dispose();
        _deadline.Dispose();
    }
}
