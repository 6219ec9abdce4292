using System.Data;
using System.Globalization;
using Npgsql;
using Sidecar.Abstractions;
using Sidecar.Components.PostgreSql.Connections;

namespace Sidecar.Components.PostgreSql.State;

/// <summary>
/// Creates the tables, or makes sure that they are as this code expects. Sidecars that start at the same time take turns by an advisory lock. Where the
/// tables are there nothing but SELECT on the metadata table is needed, so an administrator may create them.
/// </summary>
internal sealed class StateSchema(Database database, StateTables tables)
{
    /// <summary>Migrations of v2 so far; Dapr counts them in the same row.</summary>
    private const int Version = 1;

    /// <summary>Any number that nobody else in the database locks; the same in all sidecars.</summary>
    private const long AdvisoryLock = 0x7461_6e64_656d_7632;

    private static readonly string[] Columns =
        ["created_at timestamp with time zone", "etag uuid", "expires_at timestamp with time zone", "key text", "updated_at timestamp with time zone", "value bytea"];

    public Task EnsureAsync(CancellationToken cancellationToken) =>
        database.WriteAsync(this, static (connection, schema, token) => schema.EnsureAsync(connection, token), cancellationToken);

    private async Task<bool> EnsureAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        if (await VersionAsync(connection, cancellationToken) is not { } version)
        {
            await CreateAsync(connection, cancellationToken);
        }
        else if (version != Version)
        {
            throw new ComponentException(
                $"{database.Settings.Where}: the schema of table '{tables.State}' has version {version} ('{tables.MigrationKey}' in '{tables.Metadata}') and this sidecar "
                + $"knows version {Version}; {(version > Version ? "use the version of the sidecar that made it" : "let a current daprd upgrade it")}, or set another 'tablePrefix'");
        }

        var columns = await ColumnsAsync(connection, cancellationToken);
        return columns.Intersect(Columns).Count() == Columns.Length ? true : throw new ComponentException(
            $"{database.Settings.Where}: table '{tables.State}' is not one of state.postgresql v2: {(columns.Contains("value jsonb") ? "it was made by v1, whose data v2 cannot read" : columns.Length == 0 ? "it is gone, while its version is still noted" : "it has " + string.Join(", ", columns))}; "
            + "set another 'tablePrefix', or rename the table");
    }

    /// <summary>Null when there is no metadata table or no row yet.</summary>
    private async Task<int?> VersionAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var exists = new NpgsqlCommand("SELECT to_regclass($1) IS NOT NULL", connection) { Parameters = { new() { Value = tables.Metadata } } };
        return await exists.ExecuteScalarAsync(cancellationToken) is true ? await NotedVersionAsync(connection, cancellationToken) : null;
    }

    private async Task<int?> NotedVersionAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var read = new NpgsqlCommand($"SELECT value FROM {tables.Metadata} WHERE key = $1", connection) { Parameters = { new() { Value = tables.MigrationKey } } };
        return await read.ExecuteScalarAsync(cancellationToken) is not string text ? null
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var version) ? version
            : throw new ComponentException($"{database.Settings.Where}: '{tables.MigrationKey}' in table '{tables.Metadata}' is not a number: '{text}'");
    }

    private async Task CreateAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken);
        await using var turn = new NpgsqlCommand($"SELECT pg_advisory_xact_lock({AdvisoryLock})", connection, transaction);
        await turn.ExecuteNonQueryAsync(cancellationToken);
        await using var createMetadata = new NpgsqlCommand($"CREATE TABLE IF NOT EXISTS {tables.Metadata} (key text NOT NULL PRIMARY KEY, value text NOT NULL)", connection, transaction);
        await createMetadata.ExecuteNonQueryAsync(cancellationToken);
        if (await NotedVersionAsync(connection, cancellationToken) is not null)
        {
            // Another one was first; what it made is looked at next.
            return;
        }

        // The table is named without its schema in the name of its index, which is in the schema of the table.
        var index = $"{tables.State[(tables.State.IndexOf('.') + 1)..]}_expires_at_idx";
        await using var create = new NpgsqlCommand(
            $"""
            CREATE TABLE IF NOT EXISTS {tables.State} (
              key text NOT NULL PRIMARY KEY,
              value bytea NOT NULL,
              etag uuid NOT NULL DEFAULT gen_random_uuid(),
              created_at timestamp with time zone NOT NULL DEFAULT now(),
              updated_at timestamp with time zone,
              expires_at timestamp with time zone)
            """,
            connection, transaction);
        await create.ExecuteNonQueryAsync(cancellationToken);
        // A table that was there before may be another's: it is not touched.
        if ((await ColumnsAsync(connection, cancellationToken)).Intersect(Columns).Count() < Columns.Length)
        {
            return;
        }

        await using var note = new NpgsqlBatch(connection, transaction)
        {
            BatchCommands =
            {
                new($"CREATE INDEX IF NOT EXISTS {index} ON {tables.State} (expires_at)"),
                new($"INSERT INTO {tables.Metadata} (key, value) VALUES ($1, $2)") { Parameters = { new() { Value = tables.MigrationKey }, new() { Value = Version.ToString(CultureInfo.InvariantCulture) } } },
            },
        };
        await note.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    private async Task<string[]> ColumnsAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var read = new NpgsqlCommand(
            "SELECT array_agg(attname || ' ' || format_type(atttypid, NULL) ORDER BY attname) FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
            connection) { Parameters = { new() { Value = tables.State } } };
        return await read.ExecuteScalarAsync(cancellationToken) as string[] ?? [];
    }
}
