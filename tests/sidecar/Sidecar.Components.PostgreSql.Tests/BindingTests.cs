using System.Globalization;
using System.Text;
using System.Text.Json;
using Sidecar.Abstractions;

namespace Sidecar.Components.PostgreSql.Tests;

public sealed class BindingTests : IAsyncLifetime
{
    private TestDatabase _database = null!;
    private IOutputBinding _binding = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _binding = await _database.BindingAsync();
    }

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    [Theory]
    [InlineData("NULL", "null")]
    [InlineData("true", "true")]
    [InlineData("7::smallint", "7")]
    [InlineData("9007199254740993::bigint", "9007199254740993")]
    [InlineData("12345678901234567890.123456789012345678901234567890::numeric", "12345678901234567890.123456789012345678901234567890")]
    [InlineData("'NaN'::numeric", "\"NaN\"")]
    [InlineData("0.1::float8", "0.1")]
    [InlineData("1e-30::float8", "1e-30")]
    [InlineData("'-Infinity'::float8", "\"-Infinity\"")]
    [InlineData("'ä \"q\" \\'", "\"ä \\\"q\\\" \\\\\"")]
    [InlineData("'ab  '::char(4)", "\"ab  \"")]
    [InlineData("'\\x00ff10'::bytea", "\"AP8Q\"")]
    [InlineData("''::bytea", "\"\"")]
    [InlineData("'{\"a\": [1, null, \"x\"], \"n\": 1.50}'::jsonb", "{\"a\": [1, null, \"x\"], \"n\": 1.50}")]
    [InlineData("'null'::jsonb", "null")]
    [InlineData("'2024-02-29'::date", "\"2024-02-29T00:00:00Z\"")]
    [InlineData("'2024-02-29 12:30:00.5'::timestamp", "\"2024-02-29T12:30:00.5Z\"")]
    [InlineData("'2024-02-29 12:30:00.123456+02'::timestamptz", "\"2024-02-29T10:30:00.123456Z\"")]
    [InlineData("'infinity'::timestamptz", "\"infinity\"")]
    [InlineData("'0044-03-15 BC'::date", "\"0044-03-15 BC\"")]
    [InlineData("'12:30:00'::time", "\"12:30:00\"")]
    [InlineData("'5f0f3f7e-3d4b-4a8a-9f57-0d5c1d6b2a11'::uuid", "\"5f0f3f7e-3d4b-4a8a-9f57-0d5c1d6b2a11\"")]
    [InlineData("'10.0.0.1/8'::inet", "\"10.0.0.1/8\"")]
    [InlineData("'1 day 02:00:00'::interval", "\"1 day 02:00:00\"")]
    [InlineData("'{1,NULL,3}'::int[]", "[1,null,3]")]
    [InlineData("'{{1,2},{3,4}}'::int[]", "[[1,2],[3,4]]")]
    [InlineData("ARRAY['a', 'b,\"c\"', '', 'NULL', NULL]", "[\"a\",\"b,\\\"c\\\"\",\"\",\"NULL\",null]")]
    [InlineData("'{}'::text[]", "[]")]
    [InlineData("'{2024-02-29}'::date[]", "[\"2024-02-29T00:00:00Z\"]")]
    public async Task Values_become_json_without_loss(string sql, string json)
    {
        var answer = await InvokeAsync("query", $"SELECT {sql}");

        var expected = JsonSerializer.Serialize(JsonSerializer.Deserialize<JsonElement>($"[[{json}]]"));
        Assert.Equal(expected, JsonSerializer.Serialize(JsonSerializer.Deserialize<JsonElement>(answer.Data!.Value.Span)));
    }

    [Fact]
    public async Task Parameters_take_the_types_of_the_statement_and_never_become_part_of_it()
    {
        await InvokeAsync("exec", "CREATE TABLE t (id int, name text, price numeric, seen timestamptz, on_sale bool, tags jsonb, raw bytea, note text)");
        var inserted = await InvokeAsync(
            "exec", "INSERT INTO t VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            """[1, "'); DROP TABLE t; --", 19.99, "2024-02-29T10:30:00Z", true, {"a": ["x"]}, "\\x00ff", null]""");
        var found = await InvokeAsync("query", "SELECT id, name, price, seen, on_sale, tags, encode(raw, 'hex'), note FROM t WHERE id = $1", "[1]");

        Assert.Equal("1", inserted.Metadata["rows-affected"]);
        Assert.Equal(
            """[[1,"'); DROP TABLE t; --",19.99,"2024-02-29T10:30:00Z",true,{"a":["x"]},"00ff",null]]""",
            JsonSerializer.Serialize(JsonSerializer.Deserialize<JsonElement>(found.Data!.Value.Span), new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));
    }

    [Fact]
    public async Task The_answer_tells_what_was_done()
    {
        await InvokeAsync("exec", "CREATE TABLE t (n int)");
        var before = TimeProvider.System.GetUtcNow();
        var answer = await InvokeAsync("exec", "INSERT INTO t SELECT * FROM generate_series(1, 3)");

        Assert.Null(answer.Data);
        Assert.Equal(("exec", "INSERT INTO t SELECT * FROM generate_series(1, 3)", "3"), (answer.Metadata["operation"], answer.Metadata["sql"], answer.Metadata["rows-affected"]));
        var start = DateTimeOffset.Parse(answer.Metadata["start-time"]!, CultureInfo.InvariantCulture);
        Assert.InRange(start, before, DateTimeOffset.Parse(answer.Metadata["end-time"]!, CultureInfo.InvariantCulture));
        Assert.True(GoDuration.TryParse(answer.Metadata["duration"]!, out var duration) && duration > TimeSpan.Zero);
        Assert.Equal("[]", Encoding.UTF8.GetString((await InvokeAsync("query", "SELECT 1 WHERE false")).Data!.Value.Span));
        Assert.Equal("[[2]]", Encoding.UTF8.GetString((await InvokeAsync("query", "DELETE FROM t WHERE n = 2 RETURNING *")).Data!.Value.Span));
    }

    [Theory]
    [InlineData("query", "SELECT 1; SELECT 2", null, "multiple commands")]
    [InlineData("exec", "CREATE TABLE t (); DROP TABLE t", null, "multiple commands")]
    [InlineData("query", "SELEC 1", null, "syntax error")]
    [InlineData("query", "SELECT $1::int", "[\"x\"]", "invalid input syntax for type integer")]
    [InlineData("query", "SELECT $1::int, $2::int", "[1]", "requires 2")]
    [InlineData("query", "SELECT 1", "{\"a\":1}", "'params' must be a JSON array")]
    [InlineData("query", "SELECT 1", "[1", "'params' must be a JSON array")]
    [InlineData("query", "", null, "'sql' is required")]
    public async Task Says_what_is_wrong_with_a_request(string operation, string sql, string? parameters, string expected)
    {
        var failure = await Assert.ThrowsAnyAsync<Exception>(() => InvokeAsync(operation, sql, parameters));

        Assert.Contains(expected, failure.Message);
        Assert.Equal("[[1]]", Encoding.UTF8.GetString((await InvokeAsync("query", "SELECT 1")).Data!.Value.Span));
    }

    [Fact]
    public async Task Is_closed_by_close()
    {
        Assert.Null((await _binding.InvokeAsync(new BindingRequest("close", default, ComponentMetadata.Empty), default)).Data);

        Assert.Contains("was closed", (await Assert.ThrowsAsync<BindingException>(() => InvokeAsync("query", "SELECT 1"))).Message);
        Assert.NotNull((await (await _database.BindingAsync()).InvokeAsync(Request("query", "SELECT 1", null), default)).Data);
    }

    private Task<BindingResponse> InvokeAsync(string operation, string sql, string? parameters = null) => _binding.InvokeAsync(Request(operation, sql, parameters), default).AsTask();

    private static BindingRequest Request(string operation, string sql, string? parameters) => new(
        operation, default, new ComponentMetadata(parameters is null ? [new("sql", sql)] : [new("sql", sql), new("params", parameters)]));
}
