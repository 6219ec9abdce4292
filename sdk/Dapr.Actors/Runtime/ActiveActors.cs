namespace Dapr.Actors.Runtime;

/// <summary>
/// The living actors of one type: never two of one id, whatever calls and deactivations come at the same time. The first call
/// activates and the others wait for it. A deactivation waits for running calls, lets those in that come meanwhile (the running ones
/// may be waiting for them), and makes later ones wait until the instance is gone.
/// </summary>
internal sealed class ActiveActors(Func<ActorId, Task<ActorActivatorState>> activate, Func<ActorActivatorState, Task> deactivate)
{
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>Runs a call in its turn.</summary>
    public async Task<T> UseAsync<T>(ActorId id, string? chain, Func<Actor, Task<T>> call, CancellationToken cancellationToken)
    {
        var (entry, isNew) = await JoinAsync(id.GetId(), cancellationToken).ConfigureAwait(false);
        try
        {
            if (isNew)
            {
                await ActivateAsync(id, entry).ConfigureAwait(false);
            }

            var instance = await entry.Instance.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            await entry.Turns.EnterAsync(chain, cancellationToken).ConfigureAwait(false);
            try
            {
                return await call(instance.Actor).ConfigureAwait(false);
            }
            finally
            {
                entry.Turns.Leave();
            }
        }
        finally
        {
            Leave(entry);
        }
    }

    /// <summary>Returns when the actor is gone, or was not there.</summary>
    public async Task DeactivateAsync(ActorId id)
    {
        Entry? entry;
        bool isFirst;
        lock (_entries)
        {
            if (!_entries.TryGetValue(id.GetId(), out entry))
            {
                return;
            }

            isFirst = entry.Idle is null;
            entry.Idle ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            entry.CloseWhenIdle();
        }

        if (!isFirst)
        {
            await entry.Gone.Task.ConfigureAwait(false);
            return;
        }

        await entry.Idle.Task.ConfigureAwait(false);
        try
        {
            if (entry.Instance.Task.IsCompletedSuccessfully)
            {
                await deactivate(await entry.Instance.Task.ConfigureAwait(false)).ConfigureAwait(false);
            }
        }
        finally
        {
            Remove(id, entry);
        }
    }

    /// <summary>Counts as a call from now on.</summary>
    private async Task<(Entry Entry, bool IsNew)> JoinAsync(string id, CancellationToken cancellationToken)
    {
        while (true)
        {
            Entry? entry;
            lock (_entries)
            {
                if (!_entries.TryGetValue(id, out entry))
                {
                    entry = new Entry { Calls = 1 };
                    _entries.Add(id, entry);
                    return (entry, true);
                }

                if (!entry.IsClosed)
                {
                    entry.Calls++;
                    return (entry, false);
                }
            }

            await entry.Gone.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>A failure is that of all calls that wait; the next call tries again.</summary>
    private async Task ActivateAsync(ActorId id, Entry entry)
    {
        try
        {
            entry.Instance.SetResult(await activate(id).ConfigureAwait(false));
        }
        catch (Exception exception)
        {
            Remove(id, entry);
            entry.Instance.SetException(exception);
        }
    }

    private void Leave(Entry entry)
    {
        lock (_entries)
        {
            entry.Calls--;
            entry.CloseWhenIdle();
        }
    }

    private void Remove(ActorId id, Entry entry)
    {
        lock (_entries)
        {
            if (_entries.TryGetValue(id.GetId(), out var current) && current == entry)
            {
                _entries.Remove(id.GetId());
            }
        }

        entry.Gone.TrySetResult();
    }

    private sealed class Entry
    {
        public TaskCompletionSource<ActorActivatorState> Instance { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Gone { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Turns Turns { get; } = new();

        /// <summary>Calls that run or wait.</summary>
        public int Calls { get; set; }

        /// <summary>Set by a deactivation; completed when no call is left, from when on none is let in.</summary>
        public TaskCompletionSource? Idle { get; set; }

        public bool IsClosed => Idle is { Task.IsCompleted: true };

        public void CloseWhenIdle()
        {
            if (Calls == 0)
            {
                Idle?.TrySetResult();
            }
        }
    }
}
