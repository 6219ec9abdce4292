namespace Dapr.Workflow.Worker;

/// <summary>
/// Runs a workflow's continuations on the one thread of its turn, in the order in which they became ready. What comes
/// after the turn is dropped: the code is replayed from its start in the next one.
/// </summary>
internal sealed class WorkflowSynchronizationContext : SynchronizationContext
{
    private readonly Lock _gate = new();
    private readonly Queue<(SendOrPostCallback Callback, object? State)> _ready = new();
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private bool _closed;

    public bool IsInTurn => !_closed && Environment.CurrentManagedThreadId == _thread;

    public override void Post(SendOrPostCallback d, object? state)
    {
        lock (_gate)
        {
            if (!_closed)
            {
                _ready.Enqueue((d, state));
            }
        }
    }

    public override void Send(SendOrPostCallback d, object? state)
    {
        if (!IsInTurn)
        {
            throw new InvalidOperationException("Workflow code runs only within its turn.");
        }

        d(state);
    }

    public override SynchronizationContext CreateCopy() => this;

    public void Drain()
    {
        while (TryTake(out var item))
        {
            item.Callback(item.State);
        }
    }

    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            _ready.Clear();
        }
    }

    private bool TryTake(out (SendOrPostCallback Callback, object? State) item)
    {
        lock (_gate)
        {
            return _ready.TryDequeue(out item);
        }
    }
}
