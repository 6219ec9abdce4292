namespace Sidecar.Testing;

/// <summary>Collects deliveries and lets them go one after the other in another order.</summary>
internal sealed class Reordering(int window, int seed)
{
    private readonly Lock _gate = new();
    private List<Held> _held = [];
    private bool _isOver;
    private int _batches;

    public async Task ApplyAsync(DeliveryAttempt attempt, Func<Task> proceed, CancellationToken cancellationToken)
    {
        var held = new Held(attempt.Delivery.MessageId);
        Held[]? full = null;
        lock (_gate)
        {
            _held.Add(held);
            if (_isOver || _held.Count >= Math.Min(window, attempt.MaxHandlers))
            {
                full = TakeBatch();
            }
        }

        if (full is not null)
        {
            _ = LetGoAsync(full);
        }

        try
        {
            await held.Turn.Task.WaitAsync(cancellationToken);
            await proceed();
        }
        finally
        {
            lock (_gate)
            {
                _held.Remove(held);
            }

            held.Done.TrySetResult();
        }
    }

    /// <summary>Holds nothing back any more.</summary>
    public void Release()
    {
        Held[] rest;
        lock (_gate)
        {
            _isOver = true;
            rest = TakeBatch();
        }

        _ = LetGoAsync(rest);
    }

    /// <summary>
    /// To be called under the lock that found the batch full: a batch that had grown meanwhile would leave too few deliveries for the last one.
    /// </summary>
    private Held[] TakeBatch()
    {
        // By message, not by arrival: threads arrive in any order, and the seed alone is to decide.
        var batch = SeededChoice.Reorder(seed, _batches++, [.. _held.OrderBy(held => held.MessageId.Length).ThenBy(held => held.MessageId, StringComparer.Ordinal)]);
        _held = [];
        return batch;
    }

    private static async Task LetGoAsync(Held[] batch)
    {
        foreach (var held in batch)
        {
            held.Turn.TrySetResult();
            await held.Done.Task;
        }
    }

    private sealed class Held(string messageId)
    {
        public string MessageId { get; } = messageId;

        public TaskCompletionSource Turn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
