using System.Globalization;
using Microsoft.Extensions.Logging;
using Npgsql;
using Sidecar.Components.PostgreSql.Connections;

namespace Sidecar.Components.PostgreSql.State;

/// <summary>
/// Deletes expired rows every <c>cleanupInterval</c>. The time of the last clean-up is a row of the metadata table, so that one of many sidecars does
/// it. It waits for no lock of a row and holds few at a time: writers do not notice it.
/// </summary>
internal sealed partial class StateCleanup(Database database, StateTables tables, TimeSpan interval, string component) : IAsyncDisposable
{
    /// <summary>Rows deleted in one transaction.</summary>
    private const int Portion = 1000;

    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    public void Start() => _running = RunAsync(_stop.Token);

    /// <summary>Whether it was this one's turn, and how many rows went.</summary>
    public async Task<(bool Mine, int Deleted)> CleanAsync(CancellationToken cancellationToken)
    {
        if (!await database.WriteAsync(this, static (connection, self, token) => self.TakeTurnAsync(connection, token), cancellationToken))
        {
            return (false, 0);
        }

        var deleted = 0;
        for (var portion = Portion; portion == Portion; deleted += portion)
        {
            portion = await database.WriteAsync(this, static (connection, self, token) => self.DeleteAsync(connection, token), cancellationToken);
        }

        return (true, deleted);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task RunAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(interval, database.Time);
        while (await timer.WaitForNextTickAsync(stop))
        {
            try
            {
                if (await CleanAsync(stop) is { Deleted: > 0 and var deleted })
                {
                    LogCleaned(database.Logger, component, deleted);
                }
            }
            catch (Exception exception) when (!stop.IsCancellationRequested)
            {
                // Expired rows are hidden whether they are there or not.
                LogNotCleaned(database.Logger, component, exception.Message);
            }
        }
    }

    private async Task<bool> TakeTurnAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        // A little less than the interval: the timers of two sidecars tick as often, not at the same moment.
        await using var command = new NpgsqlCommand(
            $"""
            INSERT INTO {tables.Metadata} AS m (key, value) VALUES ($1, now()::text)
            ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE now() - m.value::timestamp with time zone > $2
            """,
            connection) { Parameters = { new() { Value = tables.CleanupKey }, new() { Value = interval * 0.9 } } };
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    private async Task<int> DeleteAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            string.Create(CultureInfo.InvariantCulture, $"""
            DELETE FROM {tables.State} WHERE key IN (SELECT key FROM {tables.State} WHERE expires_at < now() LIMIT {Portion} FOR UPDATE SKIP LOCKED) AND expires_at < now()
            """),
            connection);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    [LoggerMessage(2510, LogLevel.Debug, "{Component}: {Count} expired rows deleted")]
    private static partial void LogCleaned(ILogger logger, string component, int count);

    [LoggerMessage(2511, LogLevel.Warning, "{Component}: expired rows are not deleted now, but at the next time: {Problem}")]
    private static partial void LogNotCleaned(ILogger logger, string component, string problem);
}
