using System.Globalization;
using Npgsql;
using Sidecar.Abstractions;
using Sidecar.Components.PostgreSql.Connections;

namespace Sidecar.Components.PostgreSql.State;

/// <summary>
/// The single writes of a store. What comes while others are on their way goes together in the next batch, which is one transaction and so one flush of the
/// server's log: the more callers, the more writes per flush. Each keeps its own condition and its own outcome. A batch that the server refuses, or that
/// meets a locked row, has changed nothing; its writes are then sent one by one, so that none waits for or fails with another.
/// </summary>
internal sealed class WriteQueue(Database database, Func<StateWrite, NpgsqlBatchCommand> statement)
{
    private const int MaxWrites = 64;
    private const int MaxBytes = 1024 * 1024;
    private const int LockTimeoutMilliseconds = 50;

    private readonly Lock _gate = new();
    private readonly Queue<Entry> _waiting = new();
    private bool _sending;

    /// <summary>Returns the number of rows changed, durably.</summary>
    public async Task<int> WriteAsync(StateWrite write, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var entry = new Entry(write);
        bool first;
        lock (_gate)
        {
            _waiting.Enqueue(entry);
            first = !_sending;
            _sending = true;
        }

        if (first)
        {
            _ = SendAllAsync();
        }

        try
        {
            return await entry.Task.WaitAsync(database.Settings.Timeout, cancellationToken);
        }
        catch (Exception exception) when (!entry.Task.IsCompleted)
        {
            // If it has not been sent yet it will not be; one that is sent alone is stopped.
            entry.TrySetCanceled(CancellationToken.None);
            throw exception is TimeoutException ? Failures.TimedOut(new Operation(), database.Settings) : exception;
        }
    }

    private async Task SendAllAsync()
    {
        while (Take() is { Count: > 0 } entries)
        {
            await SendAsync(entries);
        }
    }

    /// <summary>What is sent next, in the order in which rows are locked everywhere; none ends the sending.</summary>
    private List<Entry> Take()
    {
        var entries = new List<Entry>();
        lock (_gate)
        {
            for (var bytes = 0; entries.Count < MaxWrites && bytes < MaxBytes && _waiting.TryDequeue(out var entry);)
            {
                if (!entry.Task.IsCompleted)
                {
                    entries.Add(entry);
                    bytes += entry.Write.Value?.Length ?? 0;
                }
            }

            _sending = entries.Count > 0;
        }

        // The sort keeps the order of writes to the same key.
        return entries.Count > 1 ? [.. entries.OrderBy(entry => entry.Write.Key, StringComparer.Ordinal)] : entries;
    }

    private async Task SendAsync(List<Entry> entries)
    {
        try
        {
            var changed = await database.WriteAsync((this, entries), static (connection, call, token) => call.Item1.SendAsync(connection, call.entries, token), CancellationToken.None);
            for (var i = 0; i < changed.Length; i++)
            {
                entries[i].TrySetResult(changed[i]);
            }
        }
        catch (IOException exception) when (IsRefusal(exception, entries.Count))
        {
            foreach (var entry in entries)
            {
                _ = SendAloneAsync(entry);
            }
        }
        catch (Exception exception)
        {
            entries.ForEach(entry => entry.TrySetException(exception));
        }
    }

    private async Task SendAloneAsync(Entry entry)
    {
        if (entry.Task.IsCompleted)
        {
            return;
        }

        using var unwanted = new CancellationTokenSource();
        try
        {
            var sending = database.WriteAsync((statement, entry.Write), static async (connection, call, token) =>
            {
                await using var batch = new NpgsqlBatch(connection) { BatchCommands = { call.statement(call.Write) } };
                return Math.Max(0, await batch.ExecuteNonQueryAsync(token));
            }, unwanted.Token);
            if (await Task.WhenAny(sending, entry.Task) == entry.Task)
            {
                // Its caller has gone: the connection is for the others.
                await unwanted.CancelAsync();
            }

            entry.TrySetResult(await sending);
        }
        catch (Exception exception)
        {
            entry.TrySetException(exception);
        }
    }

    private async Task<int[]> SendAsync(NpgsqlConnection connection, List<Entry> entries, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand(string.Create(CultureInfo.InvariantCulture, $"SELECT set_config('lock_timeout', '{LockTimeoutMilliseconds}', true)")));
        foreach (var entry in entries)
        {
            batch.BatchCommands.Add(statement(entry.Write));
        }

        await batch.ExecuteNonQueryAsync(cancellationToken);
        return [.. Enumerable.Range(1, entries.Count).Select(i => (int)batch.BatchCommands[i].RecordsAffected)];
    }

    /// <summary>Whether the server has certainly undone the batch, and a write of it alone may fare better.</summary>
    private static bool IsRefusal(IOException exception, int writes) => exception.InnerException is PostgresException { InvariantSeverity: "ERROR" } server
        && (writes > 1 || server.SqlState == PostgresErrorCodes.LockNotAvailable);

    private sealed class Entry(StateWrite write) : TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public StateWrite Write => write;
    }
}
