using System.Data;
using System.Runtime.CompilerServices;
using Npgsql;
using NpgsqlTypes;
using Sidecar.Abstractions;
using Sidecar.Components.PostgreSql.Connections;

namespace Sidecar.Components.PostgreSql.State;

/// <summary>
/// <c>state.postgresql</c> v2 (dapr/config §9): rows with the bytes as they are and a uuid per write as etag, in the tables that daprd uses. An etag that
/// is no uuid cannot be that of a row and is a mismatch. A transaction is one of SQL; it locks its rows in the order of their keys, so that two of
/// them never wait for each other. With <c>keyPrefix</c> <c>name</c> or a word of its own, apps share data.
/// </summary>
internal sealed class PostgreSqlStateStore(ComponentContext context, Shared<string, ConnectionPool> pools) : IStateStore, IKeyListing
{
    private static readonly TimeSpan DefaultCleanupInterval = TimeSpan.FromHours(1);

    /// <summary>Keys listed by one query, which is an index range or, in most collations, a scan of the table.</summary>
    private const int ListPortion = 10_000;

    private readonly StateTables _tables = new(context.Metadata);
    private Database _database = null!;
    private WriteQueue _writes = null!;
    private StateCleanup? _cleanup;

    public StateFeatures Features => StateFeatures.ETag | StateFeatures.Transactional | StateFeatures.Ttl | StateFeatures.Actor;

    public async Task InitAsync(CancellationToken cancellationToken)
    {
        if (context.Version != "v2")
        {
            throw new ComponentException(
                $"version {context.Version} of state.postgresql is not supported by the embedded sidecar: write 'version: v2'. Its table is another one, without the data of v1");
        }

        var interval = context.Metadata.Duration("cleanupInterval", DefaultCleanupInterval);
        _database = new Database(context, pools);
        _writes = new WriteQueue(_database, Command);
        try
        {
            await _database.CheckServerAsync(cancellationToken);
            await new StateSchema(_database, _tables).EnsureAsync(cancellationToken);
        }
        catch
        {
            await _database.DisposeAsync();
            throw;
        }

        if (interval > TimeSpan.Zero)
        {
            _cleanup = new StateCleanup(_database, _tables, interval, context.Name);
            _cleanup.Start();
        }
    }

    public async ValueTask<StateItem?> GetAsync(string key, CancellationToken cancellationToken) =>
        await _database.ReadAsync((Store: this, key), static (connection, call, token) => call.Store.GetAsync(connection, call.key, token), cancellationToken);

    public async ValueTask<IReadOnlyList<StateItem?>> GetManyAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken) => keys.Count == 0
        ? []
        : await _database.ReadAsync((Store: this, keys), static (connection, call, token) => call.Store.GetManyAsync(connection, call.keys, token), cancellationToken);

    public async ValueTask WriteAsync(StateWrite write, CancellationToken cancellationToken) =>
        ThrowOnMismatch(write, await _writes.WriteAsync(Checked(write), cancellationToken));

    public async ValueTask TransactAsync(IReadOnlyList<StateWrite> writes, CancellationToken cancellationToken)
    {
        if (writes.Count > 0)
        {
            await _database.WriteAsync((Store: this, writes), static (connection, call, token) => call.Store.TransactAsync(connection, call.writes, token), cancellationToken);
        }
    }

    public async IAsyncEnumerable<string> ListKeysAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // In portions, and none of them holds a connection while the caller works on it.
        var pattern = prefix.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("%", @"\%", StringComparison.Ordinal).Replace("_", @"\_", StringComparison.Ordinal) + "%";
        var after = "";
        while (true)
        {
            var keys = await _database.ReadAsync(
                (Store: this, pattern, after), static (connection, call, token) => call.Store.ListAsync(connection, call.pattern, call.after, token), cancellationToken);
            foreach (var key in keys)
            {
                yield return key;
            }

            if (keys.Count < ListPortion)
            {
                yield break;
            }

            after = keys[^1];
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_cleanup is not null)
        {
            await _cleanup.DisposeAsync();
        }

        if (_database is not null)
        {
            await _database.DisposeAsync();
        }
    }

    private async Task<StateItem?> GetAsync(NpgsqlConnection connection, string key, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(_tables.Get, connection) { Parameters = { Text(key) } };
        await using var reader = await command.ExecuteReaderAsync(CommandBehavior.SingleRow, cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? Item(reader) : null;
    }

    private async Task<IReadOnlyList<StateItem?>> GetManyAsync(NpgsqlConnection connection, IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        var found = new Dictionary<string, StateItem>(keys.Count, StringComparer.Ordinal);
        await using var command = new NpgsqlCommand(_tables.GetMany, connection) { Parameters = { new NpgsqlParameter<string[]> { TypedValue = [.. keys] } } };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            found[reader.GetString(3)] = Item(reader);
        }

        return [.. keys.Select(found.GetValueOrDefault)];
    }

    private async Task<bool> TransactAsync(NpgsqlConnection connection, IReadOnlyList<StateWrite> writes, CancellationToken cancellationToken)
    {
        // The sort keeps the order of writes to the same key.
        StateWrite[] ordered = [.. writes.OrderBy(write => write.Key, StringComparer.Ordinal)];
        // A batch is atomic by itself; only conditions have to be looked at before it is committed.
        await using var transaction = ordered.Any(IsConditional) ? await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken) : null;
        await using var batch = new NpgsqlBatch(connection, transaction);
        foreach (var write in ordered)
        {
            batch.BatchCommands.Add(Command(Checked(write)));
        }

        await batch.ExecuteNonQueryAsync(cancellationToken);
        for (var i = 0; i < ordered.Length; i++)
        {
            ThrowOnMismatch(ordered[i], (int)batch.BatchCommands[i].RecordsAffected);
        }

        if (transaction is not null)
        {
            await transaction.CommitAsync(cancellationToken);
        }

        return true;
    }

    private async Task<List<string>> ListAsync(NpgsqlConnection connection, string pattern, string after, CancellationToken cancellationToken)
    {
        var keys = new List<string>();
        await using var command = new NpgsqlCommand(_tables.List, connection)
        {
            Parameters = { Text(pattern), Text(after), new NpgsqlParameter<int> { TypedValue = ListPortion } },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            keys.Add(reader.GetString(0));
        }

        return keys;
    }

    private static StateWrite Checked(StateWrite write) =>
        string.IsNullOrEmpty(write.ETag) || Guid.TryParse(write.ETag, out _) ? write : throw new ETagMismatchException(write.Key);

    private NpgsqlBatchCommand Command(StateWrite write)
    {
        var etag = string.IsNullOrEmpty(write.ETag) ? (Guid?)null : Guid.Parse(write.ETag);
        if (write.Value is not { } value)
        {
            return etag is { } matching
                ? new(_tables.DeleteMatching) { Parameters = { Text(write.Key), new NpgsqlParameter<Guid> { TypedValue = matching } } }
                : new(_tables.Delete) { Parameters = { Text(write.Key) } };
        }

        var command = new NpgsqlBatchCommand(etag is not null ? _tables.Update : write.FirstWrite ? _tables.Create : _tables.Upsert)
        {
            Parameters =
            {
                Text(write.Key),
                new NpgsqlParameter<ReadOnlyMemory<byte>> { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Bytea },
                new NpgsqlParameter { Value = write.Ttl is { } ttl ? ttl : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Interval },
            },
        };
        if (etag is { } expected)
        {
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = expected });
        }

        return command;
    }

    private static bool IsConditional(StateWrite write) => !string.IsNullOrEmpty(write.ETag) || (write.FirstWrite && write.Value is not null);

    private static void ThrowOnMismatch(StateWrite write, int changed)
    {
        if (IsConditional(write) && changed == 0)
        {
            throw new ETagMismatchException(write.Key);
        }
    }

    private static StateItem Item(NpgsqlDataReader reader) => new(
        reader.GetFieldValue<byte[]>(0), reader.GetGuid(1).ToString(), reader.IsDBNull(2) ? null : reader.GetFieldValue<DateTimeOffset>(2));

    private static NpgsqlParameter<string> Text(string value) => new() { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Text };
}
