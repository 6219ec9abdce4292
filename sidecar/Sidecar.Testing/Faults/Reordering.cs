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
        bool isFull;
        lock (_gate)
        {
            _held.Add(held);
            isFull = _isOver || _held.Count >= Math.Min(window, attempt.MaxHandlers);
        }

        if (isFull)
        {
            LetGo();
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
        lock (_gate)
        {
            _isOver = true;
        }

        LetGo();
    }

    private void LetGo()
    {
        Held[] batch;
        lock (_gate)
        {
            // By message, not by arrival: threads arrive in any order, and the seed alone is to decide.
            batch = SeededChoice.Reorder(seed, _batches++, [.. _held.OrderBy(held => held.MessageId.Length).ThenBy(held => held.MessageId, StringComparer.Ordinal)]);
            _held = [];
        }

        _ = LetGoAsync(batch);
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
