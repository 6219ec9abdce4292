using Contracts.Jobs;

namespace EventRouter.Logs;

/// <summary>An append that waits for its answer.</summary>
internal sealed class PendingAppend(AppendJobEvents command)
{
    private readonly TaskCompletionSource<AppendOutcome> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public AppendJobEvents Command { get; } = command;

    /// <summary>What the current try has come to; becomes the answer once it is committed.</summary>
    public AppendOutcome Outcome { get; set; }

    public Task<AppendOutcome> Answer => _answer.Task;

    public void Complete() => _answer.TrySetResult(Outcome);
}

/// <summary>
/// Appends of one job in this process: one batch is written at a time, and what arrives meanwhile is the next batch. Between
/// processes only the compare-and-set decides, so forgetting a queue is always safe.
/// </summary>
internal sealed class JobQueue(Guid jobId)
{
    private readonly Lock _lock = new();
    private List<PendingAppend> _waiting = [];
    private bool _running;

    public Guid JobId { get; } = jobId;

    /// <summary>Last version that this replica saw; null when it must be loaded. Only the running batch touches it.</summary>
    public JobLogState? Log { get; set; }

    /// <summary>An older version than the store's, kept for its key index.</summary>
    public JobLogState? Outdated { get; set; }

    /// <summary>Adds an append; true when the caller has to start the drain.</summary>
    public bool Enqueue(PendingAppend append)
    {
        lock (_lock)
        {
            _waiting.Add(append);
            var start = !_running;
            _running = true;
            return start;
        }
    }

    /// <summary>The next batch, or null when nothing waits; then the drain is over.</summary>
    public List<PendingAppend>? TakeBatch()
    {
        lock (_lock)
        {
            if (_waiting.Count == 0)
            {
                _running = false;
                return null;
            }

            var batch = _waiting;
            _waiting = [];
            return batch;
        }
    }

    /// <summary>Whether an append waits already, so that preparing for one would only delay it.</summary>
    public bool HasWaiting
    {
        get
        {
            lock (_lock)
            {
                return _waiting.Count > 0;
            }
        }
    }

    /// <summary>The cached version is not the store's any more.</summary>
    public void Invalidate()
    {
        Outdated = Log ?? Outdated;
        Log = null;
    }
}

/// <summary>The queues of recently used jobs, bounded; least recently used go first.</summary>
internal sealed class JobQueues(int capacity)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<Guid, LinkedListNode<JobQueue>> _queues = [];
    private readonly LinkedList<JobQueue> _byUse = [];

    /// <summary>How many jobs are cached.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _queues.Count;
            }
        }
    }

    public void Remove(Guid jobId)
    {
        lock (_lock)
        {
            if (_queues.Remove(jobId, out var node))
            {
                _byUse.Remove(node);
            }
        }
    }

    public JobQueue Get(Guid jobId)
    {
        lock (_lock)
        {
            if (_queues.TryGetValue(jobId, out var node))
            {
                _byUse.Remove(node);
                _byUse.AddFirst(node);
                return node.Value;
            }

            if (_queues.Count >= capacity && _byUse.Last is { } oldest)
            {
                _byUse.RemoveLast();
                _queues.Remove(oldest.Value.JobId);
            }

            var queue = new JobQueue(jobId);
            _queues[jobId] = _byUse.AddFirst(queue);
            return queue;
        }
    }
}
