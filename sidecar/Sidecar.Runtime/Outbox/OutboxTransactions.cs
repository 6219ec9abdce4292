using System.Collections.Concurrent;

namespace Sidecar.Runtime.Outbox;

/// <summary>
/// What this process knows of the transactions of its apps' outboxes, so that a message need not ask the store whether its transaction is
/// still to come. Other processes' transactions, also those before a restart, are known by the store alone.
/// </summary>
public sealed class OutboxTransactions
{
    /// <summary>Most refused transactions that are remembered; the messages of older ones follow the rule for a missing row.</summary>
    private const int MaxRefused = 10_000;

    private readonly ConcurrentDictionary<string, Task> _open = [];
    private readonly ConcurrentDictionary<string, bool> _refused = [];
    private readonly ConcurrentQueue<string> _refusedOrder = [];

    /// <summary>Runs a transaction; it is open until the delegate ends, and refused when its exception says that nothing was written.</summary>
    public async Task RunAsync(IReadOnlyList<string> markers, Func<Task> transaction, Func<Exception, bool> isRefusal)
    {
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        foreach (var marker in markers)
        {
            _open[marker] = end.Task;
        }

        try
        {
            await transaction();
        }
        catch (Exception exception) when (isRefusal(exception))
        {
            foreach (var marker in markers)
            {
                _refused[marker] = true;
                _refusedOrder.Enqueue(marker);
            }

            while (_refusedOrder.Count > MaxRefused && _refusedOrder.TryDequeue(out var oldest))
            {
                _refused.TryRemove(oldest, out _);
            }

            throw;
        }
        finally
        {
            foreach (var marker in markers)
            {
                _open.TryRemove(marker, out _);
            }

            end.SetResult();
        }
    }

    /// <summary>Returns when the transaction is not open, or not one of this process.</summary>
    public Task WaitAsync(string marker, CancellationToken cancellationToken) =>
        _open.TryGetValue(marker, out var end) ? end.WaitAsync(cancellationToken) : Task.CompletedTask;

    /// <summary>Whether the store has refused the transaction as a whole, or was never asked.</summary>
    public bool IsRefused(string marker) => _refused.ContainsKey(marker);
}
