using System.Text.Json;
using Npgsql;
using Sidecar.Abstractions;
using Sidecar.Components.PostgreSql.Connections;

namespace Sidecar.Components.PostgreSql.Configuration;

/// <summary>
/// Reads the table of a configuration store (dapr/config §12): columns key, value, version and metadata (JSON, perhaps null). Of several rows with one
/// key that with the highest version counts: numbers by value, everything else as text and below numbers.
/// </summary>
internal sealed class ConfigurationTable(Database database, string name)
{
    private const string Numeric = "CASE WHEN version ~ '^[0-9]+$' THEN version::numeric END";

    /// <summary>Name as the statements have it.</summary>
    public string Name => name;

    /// <summary>The items of the keys, or of all when none is given.</summary>
    public Task<Dictionary<string, ConfigurationItem>> ReadAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken) =>
        database.ReadAsync((name, keys), static (connection, call, token) => ReadAsync(connection, call.name, call.keys, token), cancellationToken);

    /// <summary>Throws unless the table is there, has its columns and may be read.</summary>
    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        try
        {
            await database.ReadAsync(name, static (connection, table, token) => CheckAsync(connection, table, token), cancellationToken);
        }
        catch (IOException exception) when (exception.InnerException is PostgresException { SqlState: PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn } server)
        {
            throw new ComponentException(
                $"metadata 'table': {server.MessageText}; the table needs columns key, value, version (varchar) and metadata (json), docs/postgresql.md has the statement", exception);
        }
    }

    /// <summary>Compares versions as the query of this table does.</summary>
    public static int CompareVersions(string a, string b)
    {
        var (first, second) = (Number(a), Number(b));
        return first is null || second is null
            ? first is null && second is null ? string.CompareOrdinal(a, b) : first is null ? -1 : 1
            : first.Length != second.Length ? first.Length.CompareTo(second.Length) : string.CompareOrdinal(first, second);

        static string? Number(string version) => version.Length > 0 && version.All(char.IsAsciiDigit) ? version.TrimStart('0') : null;
    }

    /// <summary>The strings of a JSON object, other values as their JSON text.</summary>
    public static ComponentMetadata Metadata(JsonElement json) => json.ValueKind == JsonValueKind.Object
        ? new(json.EnumerateObject().Select(property => KeyValuePair.Create(property.Name, property.Value.ToString())))
        : ComponentMetadata.Empty;

    private static async Task<bool> CheckAsync(NpgsqlConnection connection, string name, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"SELECT key, value, version, metadata FROM {name} LIMIT 0", connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
        return true;
    }

    private static async Task<Dictionary<string, ConfigurationItem>> ReadAsync(
        NpgsqlConnection connection, string name, IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        var items = new Dictionary<string, ConfigurationItem>(StringComparer.Ordinal);
        await using var command = new NpgsqlCommand(
            $"""
            SELECT DISTINCT ON (key) key::text, value::text, version::text, metadata::text FROM {name}
            {(keys.Count > 0 ? "WHERE key = ANY($1)" : "")} ORDER BY key, {Numeric} DESC NULLS LAST, version COLLATE "C" DESC NULLS LAST
            """,
            connection);
        if (keys.Count > 0)
        {
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. keys] });
        }

        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            items[reader.GetString(0)] = new ConfigurationItem(Text(reader, 1), Text(reader, 2), reader.IsDBNull(3) ? ComponentMetadata.Empty : Metadata(reader.GetString(3)));
        }

        return items;
    }

    private static string Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? "" : reader.GetString(column);

    private static ComponentMetadata Metadata(string json)
    {
        using var document = JsonDocument.Parse(json);
        return Metadata(document.RootElement);
    }
}
