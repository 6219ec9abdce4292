namespace Sidecar.Workflows.Instances;

/// <summary>
/// The instances in memory. Those in use are pinned; idle ones keep their loaded rows up to a total of bytes, least
/// recently used first out.
/// </summary>
internal sealed class InstanceTable(long hotStateBytes)
{
    /// <summary>Objects take about this many times the bytes of their serialized form.</summary>
    private const int ObjectFactor = 3;
    private const int FixedCost = 1024;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Instance> _instances = new(StringComparer.Ordinal);
    private readonly LinkedList<Instance> _idle = new();
    private long _idleBytes;

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _instances.Count;
            }
        }
    }

    public Instance Acquire(string instanceId)
    {
        lock (_lock)
        {
            if (!_instances.TryGetValue(instanceId, out var instance))
            {
                _instances.Add(instanceId, instance = new Instance(instanceId));
            }

            instance.References++;
            LeaveIdle(instance);
            return instance;
        }
    }

    public void Release(Instance instance)
    {
        lock (_lock)
        {
            if (--instance.References > 0)
            {
                return;
            }

            if (instance.State is { HasEnded: true })
            {
                instance.State = null;
            }

            if (instance.State is { } state)
            {
                instance.Cost = FixedCost + ObjectFactor * state.HistoryBytes;
                instance.Idle = _idle.AddLast(instance);
                _idleBytes += instance.Cost;
                Trim();
            }
            else
            {
                RemoveIfUnused(instance);
            }
        }
    }

    private void Trim()
    {
        while (_idleBytes > hotStateBytes && _idle.First is { } oldest)
        {
            var instance = oldest.Value;
            LeaveIdle(instance);
            instance.State = null;
            RemoveIfUnused(instance);
        }
    }

    private void LeaveIdle(Instance instance)
    {
        if (instance.Idle is { } node)
        {
            _idle.Remove(node);
            _idleBytes -= instance.Cost;
            instance.Idle = null;
        }
    }

    // Nobody holds a reference, so nobody changes what is read here.
    private void RemoveIfUnused(Instance instance)
    {
        if (instance is { Phase: TurnPhase.Idle, Held.Count: 0, Incoming.IsEmpty: true, Waiters.Count: 0, RetryScheduled: false })
        {
            _instances.Remove(instance.Id);
        }
    }
}
