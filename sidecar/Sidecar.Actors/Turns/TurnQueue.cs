namespace Sidecar.Actors.Turns;

/// <summary>How a turn was entered.</summary>
internal enum Entry
{
    /// <summary>The first of its chain of calls: it has the actor to itself.</summary>
    First,

    /// <summary>Inside a turn of the same chain (reentrancy).</summary>
    Nested,

    /// <summary>The queue is out of use: the actor has another one.</summary>
    Retired,
}

/// <summary>
/// Whose turn it is with one actor: strictly one chain of calls at a time, the others first come, first served (protocol: HTTP §6.1).
/// Without reentrancy every call is a chain of its own.
/// </summary>
internal sealed class TurnQueue
{
    private readonly Lock _lock = new();
    private LinkedList<Waiter>? _waiting;
    private string? _chain;
    private int _depth;
    private bool _isRetired;

    /// <summary>
    /// Waits for a turn. A token that is cancelled leaves the queue; a turn that was given before counts, and its owner has to leave it.
    /// </summary>
    /// <param name="chain">Id of the chain of a reentrant type; null never nests.</param>
    /// <param name="maxDepth">Most turns of a chain inside each other.</param>
    /// <param name="maxWaiting">Refuses when so many wait already.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public ValueTask<Entry> EnterAsync(string? chain, int maxDepth, int maxWaiting, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_isRetired)
            {
                return new(Entry.Retired);
            }

            if (_depth == 0)
            {
                (_chain, _depth) = (chain, 1);
                return new(Entry.First);
            }

            if (chain is not null && chain == _chain)
            {
                if (_depth >= maxDepth)
                {
                    throw ActorErrors.StackDepth();
                }

                _depth++;
                return new(Entry.Nested);
            }

            if ((_waiting?.Count ?? 0) >= maxWaiting)
            {
                throw ActorErrors.Invoke($"{maxWaiting} calls wait for this actor already");
            }

            return new(WaitAsync((_waiting ??= []).AddLast(new Waiter(chain)), cancellationToken));
        }
    }

    /// <summary>The next turn, before all who wait: for what must happen to the actor itself.</summary>
    public ValueTask<Entry> EnterAheadAsync()
    {
        lock (_lock)
        {
            if (_isRetired)
            {
                return new(Entry.Retired);
            }

            if (_depth == 0)
            {
                (_chain, _depth) = (null, 1);
                return new(Entry.First);
            }

            return new(WaitAsync((_waiting ??= []).AddFirst(new Waiter(null)), CancellationToken.None));
        }
    }

    /// <summary>Leaves a turn. With <paramref name="retire"/> the queue goes out of use when nobody waits; true when it did.</summary>
    public bool Exit(bool retire)
    {
        lock (_lock)
        {
            if (--_depth > 0)
            {
                return false;
            }

            if (_waiting?.First is { } next)
            {
                _waiting.Remove(next);
                (_chain, _depth) = (next.Value.Chain, 1);
                next.Value.Turn.SetResult(Entry.First);
                return false;
            }

            _chain = null;
            return _isRetired = retire;
        }
    }

    private async Task<Entry> WaitAsync(LinkedListNode<Waiter> node, CancellationToken cancellationToken)
    {
        await using var registration = cancellationToken.UnsafeRegister((_, token) => Leave(node, token), null);
        return await node.Value.Turn.Task;
    }

    private void Leave(LinkedListNode<Waiter> node, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (node.List is null)
            {
                // Its turn came first.
                return;
            }

            _waiting!.Remove(node);
        }

        node.Value.Turn.SetCanceled(cancellationToken);
    }

    private sealed class Waiter(string? chain)
    {
        public string? Chain { get; } = chain;

        public TaskCompletionSource<Entry> Turn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
