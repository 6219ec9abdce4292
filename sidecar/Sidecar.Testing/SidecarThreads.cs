namespace Sidecar.Testing;

/// <summary>
/// The threads that are at a sidecar's work this moment, running or taken away by a busy machine: what one step hands to the next is in nobody's
/// count until the next has begun. Work is known along its asynchronous flow; a flow that awaits something has no thread.
/// </summary>
internal sealed class SidecarThreads
{
    private static readonly AsyncLocal<SidecarThreads?> Flow = new(OnChanged);

    private int _running;
    private long _entries;

    /// <summary>Whether there are any besides the one that asks.</summary>
    public bool AnyRunning => Volatile.Read(ref _running) > (Flow.Value == this && IsCounted ? 1 : 0);

    /// <summary>Changes with every step that a thread takes up.</summary>
    public long Entries => Interlocked.Read(ref _entries);

    /// <summary>Threads of their own, such as that of a file store's writer, wait most of the time.</summary>
    private static bool IsCounted => Thread.CurrentThread.IsThreadPoolThread;

    /// <summary>From here to its end the flow of the caller is work of the sidecar, with all that it starts.</summary>
    public void Join() => Flow.Value = this;

    /// <summary>The step is work of the sidecar, with all that it starts; what its caller does next is not.</summary>
    public void Run(Action step)
    {
        var outside = Flow.Value;
        Join();
        try
        {
            step();
        }
        finally
        {
            Flow.Value = outside;
        }
    }

    private static void OnChanged(AsyncLocalValueChangedArgs<SidecarThreads?> change)
    {
        if (IsCounted && change.PreviousValue != change.CurrentValue)
        {
            change.CurrentValue?.Enter();
            change.PreviousValue?.Leave();
        }
    }

    private void Enter()
    {
        Interlocked.Increment(ref _running);
        Interlocked.Increment(ref _entries);
    }

    private void Leave() => Interlocked.Decrement(ref _running);
}
