using System.Collections.Concurrent;

namespace Sidecar.Testing;

/// <summary>What the sidecar of a host does, as it happens.</summary>
internal sealed class TrafficRecorder
{
    private readonly ConcurrentQueue<PublishedMessage> _published = [];
    private readonly ConcurrentQueue<Delivery> _deliveries = [];
    private TaskCompletionSource _change = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _changes;
    private int _inFlight;

    public IReadOnlyList<PublishedMessage> Published => [.. _published];

    public IReadOnlyList<Delivery> Deliveries => [.. _deliveries];

    /// <summary>Changes with everything that is recorded.</summary>
    public long Changes => Interlocked.Read(ref _changes);

    /// <summary>Calls of apps and operations of components that have not ended.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>The threads that do it.</summary>
    public SidecarThreads Threads { get; } = new();

    public void Add(PublishedMessage message)
    {
        _published.Enqueue(message);
        Touch();
    }

    public void Add(Delivery delivery)
    {
        _deliveries.Enqueue(delivery);
        Touch();
    }

    /// <summary>Counts an operation while it runs. What a fault adds before or after is not part of it: that waits for the clock.</summary>
    public async Task CountAsync(Func<Task> operation)
    {
        Interlocked.Increment(ref _inFlight);
        Touch();
        try
        {
            await operation();
        }
        finally
        {
            Interlocked.Decrement(ref _inFlight);
            Touch();
        }
    }

    /// <summary>Something happened: those who wait look again.</summary>
    public void Touch()
    {
        Interlocked.Increment(ref _changes);
        Interlocked.Exchange(ref _change, new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
    }

    /// <summary>Waits until there is a result; looks again after each change.</summary>
    public async Task<T> WaitForAsync<T>(Func<T?> find, CancellationToken cancellationToken) where T : class
    {
        while (true)
        {
            // Taken before the look, so that no change in between is missed.
            var change = Volatile.Read(ref _change).Task;
            if (find() is { } found)
            {
                return found;
            }

            await change.WaitAsync(cancellationToken);
        }
    }
}
