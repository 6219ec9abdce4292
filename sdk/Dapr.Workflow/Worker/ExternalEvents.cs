using Tandem.Protocol.Workflows;

namespace Dapr.Workflow.Worker;

/// <summary>
/// Events raised on a workflow and those who wait for them, first come first served under each name (case does not
/// count). An event nobody waits for is kept.
/// </summary>
internal sealed class ExternalEvents
{
    private readonly Dictionary<string, LinkedList<TaskCompletionSource<string?>>> _waiters = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<HistoryEvent> _kept = [];

    public bool AnyoneWaits => _waiters.Values.Any(w => w.Count > 0);

    /// <summary>Events nobody has taken, in the order of their arrival.</summary>
    public IReadOnlyList<HistoryEvent> Kept => _kept;

    public void Raise(HistoryEvent raised)
    {
        if (_waiters.TryGetValue(raised.EventRaised.Name, out var waiting) && waiting.First is { } first)
        {
            waiting.RemoveFirst();
            first.Value.TrySetResult(raised.EventRaised.Input);
            return;
        }

        _kept.Add(raised);
    }

    public bool TryTake(string name, out string? input)
    {
        var index = _kept.FindIndex(e => string.Equals(e.EventRaised.Name, name, StringComparison.OrdinalIgnoreCase));
        input = index < 0 ? null : _kept[index].EventRaised.Input;
        if (index >= 0)
        {
            _kept.RemoveAt(index);
        }

        return index >= 0;
    }

    public async Task<string?> WaitAsync(string name, CancellationToken cancellationToken)
    {
        var waiter = new TaskCompletionSource<string?>();
        if (!_waiters.TryGetValue(name, out var waiting))
        {
            _waiters[name] = waiting = new LinkedList<TaskCompletionSource<string?>>();
        }

        var node = waiting.AddLast(waiter);
        using var registration = cancellationToken.Register(() =>
        {
            if (node.List is not null)
            {
                waiting.Remove(node);
            }

            waiter.TrySetCanceled(cancellationToken);
        });

        // On the workflow's synchronization context, so that its code continues there.
        return await waiter.Task;
    }
}
