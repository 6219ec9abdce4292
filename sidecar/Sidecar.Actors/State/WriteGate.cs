namespace Sidecar.Actors.State;

/// <summary>
/// State writes of one activation. An app that dies may leave some on their way; they end before the actor is active anywhere else, which
/// would read too early.
/// </summary>
internal sealed class WriteGate
{
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _quiet = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _writes;
    private bool _isClosed;

    /// <summary>Begins a write; false when it is too late.</summary>
    public bool TryEnter()
    {
        lock (_lock)
        {
            _writes += _isClosed ? 0 : 1;
            return !_isClosed;
        }
    }

    public void Exit()
    {
        lock (_lock)
        {
            if (--_writes == 0 && _isClosed)
            {
                _quiet.SetResult();
            }
        }
    }

    /// <summary>Lets no further write begin and waits for those that have.</summary>
    public Task CloseAsync()
    {
        lock (_lock)
        {
            if (!_isClosed && _writes == 0)
            {
                _quiet.SetResult();
            }

            _isClosed = true;
            return _quiet.Task;
        }
    }
}
