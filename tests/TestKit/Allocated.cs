namespace TestKit;

/// <summary>What work allocates on the thread that does it.</summary>
public static class Allocated
{
    private const int Runs = 20;

    /// <summary>
    /// Bytes of the run that took least. A thread gets memory in pieces of 8 KiB, and what it has left of one counts as used when a collection, which any
    /// other test can cause, takes it away: a single run may read that much too high, never too low.
    /// </summary>
    public static long Least(Action work) => Enumerable.Range(0, Runs).Min(_ =>
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        work();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    });
}
