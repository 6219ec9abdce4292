namespace Ai.Admission;

/// <summary>A place among the calls that run.</summary>
internal sealed class AdmissionPlace(AdmissionQueue queue, CallLimits limits, long entered)
{
    private int _left;

    public CallLimits Limits { get; } = limits;

    public long Entered { get; } = entered;

    /// <summary>Gives it back, the first time.</summary>
    public void Leave()
    {
        if (Interlocked.Exchange(ref _left, 1) == 0)
        {
            queue.Leave(this);
        }
    }
}
