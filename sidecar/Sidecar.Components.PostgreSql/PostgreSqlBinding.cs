using System.Globalization;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Sidecar.Abstractions;
using Sidecar.Components.PostgreSql.Connections;

namespace Sidecar.Components.PostgreSql;

/// <summary>
/// <c>bindings.postgresql</c> (dapr/config §10): runs the one statement of request metadata <c>sql</c> with <c>params</c>, a JSON array for <c>$1</c>…, whose
/// types the server finds out. <c>query</c> answers an array of rows, each an array of values; <c>exec</c> tells <c>rows-affected</c>; <c>close</c> ends the
/// binding. What the text of the statement is decides the app: values belong into <c>params</c>.
/// </summary>
internal sealed class PostgreSqlBinding(ComponentContext context, Shared<string, ConnectionPool> pools) : IOutputBinding
{
    private Database _database = null!;
    private volatile bool _closed;

    public IReadOnlyList<string> Operations { get; } = ["exec", "query", "close"];

    public async Task InitAsync(CancellationToken cancellationToken)
    {
        _database = new Database(context, pools);
        try
        {
            await _database.CheckServerAsync(cancellationToken);
        }
        catch
        {
            await _database.DisposeAsync();
            throw;
        }
    }

    public async ValueTask<BindingResponse> InvokeAsync(BindingRequest request, CancellationToken cancellationToken)
    {
        if (_closed)
        {
            throw new BindingException("the binding was closed by its operation 'close'; restart the sidecar to open it again");
        }

        if (request.Operation == "close")
        {
            _closed = true;
            await _database.DisposeAsync();
            return BindingResponse.Empty;
        }

        var sql = request.Metadata["sql"] is { Length: > 0 } text ? text : throw new BindingException("request metadata 'sql' is required");
        var parameters = Parameters(request.Metadata["params"]);
        var (began, start) = (_database.Time.GetTimestamp(), _database.Time.GetUtcNow());
        var (data, affected) = await _database.WriteAsync(
            (sql, parameters, Query: request.Operation == "query"), static (connection, call, token) => RunAsync(connection, call.sql, call.parameters, call.Query, token),
            cancellationToken);
        var end = _database.Time.GetUtcNow();
        List<KeyValuePair<string, string>> metadata =
        [
            new("operation", request.Operation), new("sql", sql), new("start-time", Rfc3339(start)), new("end-time", Rfc3339(end)),
            new("duration", _database.Time.GetElapsedTime(began).TotalMilliseconds.ToString("0.######", CultureInfo.InvariantCulture) + "ms"),
        ];
        if (data is null)
        {
            metadata.Add(new("rows-affected", affected.ToString(CultureInfo.InvariantCulture)));
        }

        return new BindingResponse(data is null ? null : (ReadOnlyMemory<byte>?)data, new ComponentMetadata(metadata));
    }

    public ValueTask DisposeAsync() => _database is null ? ValueTask.CompletedTask : _database.DisposeAsync();

    private static async Task<(byte[]? Data, int Affected)> RunAsync(
        NpgsqlConnection connection, string sql, IReadOnlyList<object> parameters, bool query, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection) { AllResultTypesAreUnknown = query };
        foreach (var value in parameters)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value, NpgsqlDbType = NpgsqlDbType.Unknown });
        }

        if (parameters.Count == 0)
        {
            // Npgsql would take a statement without parameters apart at its semicolons; with one, that nothing refers to, it is sent as it is.
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = "", NpgsqlDbType = NpgsqlDbType.Text });
        }

        if (!query)
        {
            return (null, Math.Max(0, await command.ExecuteNonQueryAsync(cancellationToken)));
        }

        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return (await RowsJson.ReadAsync(reader, cancellationToken), 0);
    }

    /// <summary>Values as text, as the server reads them: strings as they are, everything else as its JSON.</summary>
    private static List<object> Parameters(string? json)
    {
        if (json is not { Length: > 0 })
        {
            return [];
        }

        try
        {
            using var document = JsonDocument.Parse(json);
            return
            [
                .. document.RootElement.EnumerateArray().Select(object (value) => value.ValueKind switch
                {
                    JsonValueKind.Null => DBNull.Value,
                    JsonValueKind.String => value.GetString()!,
                    _ => value.GetRawText(),
                }),
            ];
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new BindingException("request metadata 'params' must be a JSON array, as in [1, \"two\", null]", innerException: exception);
        }
    }

    private static string Rfc3339(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);
}
