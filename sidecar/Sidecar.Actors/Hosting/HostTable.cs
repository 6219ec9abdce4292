using Sidecar.Actors.Turns;

namespace Sidecar.Actors.Hosting;

/// <summary>
/// Who hosts which type now, and where an actor belongs: on the host with the highest score for it (rendezvous hashing), so that a host
/// that comes or goes moves its own actors and no others.
/// </summary>
internal sealed class HostTable(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, ActorHost[]> _byType = new(StringComparer.Ordinal);
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _version;
    private bool _isClosed;

    /// <summary>Changes whenever a host comes or goes.</summary>
    public long Version => Volatile.Read(ref _version);

    public void Add(ActorHost host) => Change(() =>
    {
        foreach (var type in host.Types.Keys)
        {
            _byType[type] = [.. _byType.GetValueOrDefault(type, []), host];
        }
    });

    public void Remove(ActorHost host) => Change(() =>
    {
        foreach (var type in host.Types.Keys)
        {
            _byType[type] = [.. _byType.GetValueOrDefault(type, []).Where(other => other != host)];
        }
    });

    /// <summary>The process stops: nobody hosts anything any more, and who looks for a host is told ERR_ACTOR_RUNTIME_CLOSED.</summary>
    public void Close() => Change(() =>
    {
        _isClosed = true;
        _byType.Clear();
    });

    /// <summary>The host that the actor belongs to now, or null.</summary>
    public ActorHost? Choose(ActorKey key)
    {
        lock (_lock)
        {
            var hosts = _isClosed ? [] : _byType.GetValueOrDefault(key.Type, []);
            if (hosts.Length < 2)
            {
                return hosts.Length == 0 ? null : hosts[0];
            }

            var hash = ActorHost.Hash($"{key.Type}||{key.Id}");
            return hosts.MaxBy(host => host.Score(hash));
        }
    }

    /// <summary>The host of the actor; when there is none, waits a while for one and throws ERR_ACTOR_NO_ADDRESS.</summary>
    public async ValueTask<ActorHost> FindAsync(ActorKey key, TimeSpan limit, CancellationToken cancellationToken)
    {
        if (Choose(key) is { } host)
        {
            return host;
        }

        using var deadline = new CancellationTokenSource(limit, time);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                changed = _isClosed ? throw ActorErrors.Closed() : _changed.Task;
            }

            if (Choose(key) is { } late)
            {
                return late;
            }

            try
            {
                await changed.WaitAsync(ending.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw ActorErrors.NoAddress(key.Type, key.Id);
            }
        }
    }

    /// <summary>
    /// Gives the actor, which is not active and whose turn the caller has, an activation on its host; null when there is none. Under the
    /// lock: a host that comes or goes later finds the activation.
    /// </summary>
    public Activation? Activate(ActorSystem system, Actor actor)
    {
        lock (_lock)
        {
            return actor.Activation = Choose(actor.Key) is { } host ? new Activation(system, actor, host, _version) : null;
        }
    }

    private void Change(Action change)
    {
        TaskCompletionSource changed;
        lock (_lock)
        {
            change();
            _version++;
            (changed, _changed) = (_changed, new(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        changed.SetResult();
    }
}
