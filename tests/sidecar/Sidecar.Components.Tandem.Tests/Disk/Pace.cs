namespace Sidecar.Components.Tandem.Tests.Disk;

/// <summary>Lets a compaction do its file operations one at a time, when the test says so.</summary>
internal sealed class Pace
{
    private readonly object _gate = new();
    private int _allowed;
    private bool _waiting;
    private bool _free;

    /// <summary>Lets so many operations happen; returns when the compaction waits for the next or has ended.</summary>
    public void Let(int operations, Task compaction)
    {
        lock (_gate)
        {
            _allowed += operations;
            Monitor.PulseAll(_gate);
        }

        _ = compaction.ContinueWith(_ => Pulse(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        lock (_gate)
        {
            while (!compaction.IsCompleted && !_free && !(_waiting && _allowed == 0))
            {
                Monitor.Wait(_gate);
            }

            if (compaction.IsCompleted)
            {
                _allowed = 0;
            }
        }
    }

    /// <summary>Waits for permission. On the compaction's thread.</summary>
    public void Await()
    {
        lock (_gate)
        {
            _waiting = true;
            Monitor.PulseAll(_gate);
            while (_allowed == 0 && !_free)
            {
                Monitor.Wait(_gate);
            }

            _waiting = false;
            _allowed = Math.Max(0, _allowed - 1);
        }
    }

    /// <summary>Stops nothing any more.</summary>
    public void LetGo()
    {
        lock (_gate)
        {
            _free = true;
            Monitor.PulseAll(_gate);
        }
    }

    private void Pulse()
    {
        lock (_gate)
        {
            Monitor.PulseAll(_gate);
        }
    }
}
