namespace Dapr.Actors.Runtime;

/// <summary>
/// One call of an actor at a time. The sidecar sees to that; but when it gives up on a call, or dies, that call may still be running
/// here when the next one comes. Calls of the chain that has the turn come in at once.
/// </summary>
internal sealed class Turns
{
    private readonly SemaphoreSlim _turn = new(1);
    private readonly Lock _lock = new();
    private string? _chain;
    private int _calls;

    public async Task EnterAsync(string? chain, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (chain is not null && chain == _chain)
            {
                _calls++;
                return;
            }
        }

        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        lock (_lock)
        {
            _chain = chain;
            _calls = 1;
        }
    }

    public void Leave()
    {
        lock (_lock)
        {
            if (--_calls > 0)
            {
                return;
            }

            _chain = null;
        }

        _turn.Release();
    }
}
