using System.Text;
using Sidecar.Abstractions;

namespace Sidecar.Components.PostgreSql.Tests;

/// <summary>The tables of state.postgresql v2: as daprd makes and uses them (dapr/config §9).</summary>
public sealed class LayoutTests : IAsyncLifetime
{
    private const string Columns = """
        SELECT string_agg(format('%s %s%s%s', column_name, data_type, CASE is_nullable WHEN 'NO' THEN ' not null' END, ' ' || column_default), E'\n' ORDER BY ordinal_position)
        FROM information_schema.columns WHERE table_schema = '{0}' AND table_name = '{1}'
        """;

    /// <summary>What a daprd leaves behind, written by hand.</summary>
    private const string MadeByDaprd = """
        CREATE TABLE dapr_metadata (key text NOT NULL PRIMARY KEY, value text NOT NULL);
        CREATE TABLE state (key text NOT NULL PRIMARY KEY, value bytea NOT NULL, etag uuid NOT NULL DEFAULT gen_random_uuid(),
          created_at timestamp with time zone NOT NULL DEFAULT now(), updated_at timestamp with time zone, expires_at timestamp with time zone);
        CREATE INDEX ON state (expires_at);
        INSERT INTO dapr_metadata VALUES ('lock', 'lock'), ('migrations-state-v2-', '1');
        INSERT INTO state (key, value, etag) VALUES ('app||a', '{"n":1}', '5f0f3f7e-3d4b-4a8a-9f57-0d5c1d6b2a11');
        INSERT INTO state (key, value, expires_at) VALUES ('app||old', 'x', now() - interval '1 second'), ('app||soon', 'y', now() + interval '1 hour');
        """;

    private TestDatabase _database = null!;

    public async ValueTask InitializeAsync() => _database = await TestDatabase.CreateAsync();

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    [Fact]
    public async Task Makes_the_tables_of_v2()
    {
        await _database.StateAsync();

        Assert.Equal(
            """
            key text not null
            value bytea not null
            etag uuid not null gen_random_uuid()
            created_at timestamp with time zone not null now()
            updated_at timestamp with time zone
            expires_at timestamp with time zone
            """,
            await _database.QueryAsync(string.Format(Columns, "public", "state")));
        Assert.Equal("key text not null\nvalue text not null", await _database.QueryAsync(string.Format(Columns, "public", "dapr_metadata")));
        Assert.Equal("(expires_at)\n(key)", await _database.QueryAsync(
            "SELECT substring(indexdef from '\\(.*') FROM pg_indexes WHERE tablename = 'state' ORDER BY 1"));
        Assert.Equal("migrations-state-v2-|1", await _database.QueryAsync("SELECT key, value FROM dapr_metadata"));
    }

    [Fact]
    public async Task Puts_the_tables_where_the_prefix_says()
    {
        await _database.QueryAsync("CREATE SCHEMA dapr");
        var store = await _database.StateAsync(("tablePrefix", "dapr.shop_"), ("metadataTableName", "dapr.meta"));
        await store.WriteAsync(new StateWrite("a", Bytes("1")), default);

        Assert.Equal("a|1", await _database.QueryAsync("SELECT key, convert_from(value, 'UTF8') FROM dapr.shop_state"));
        Assert.Equal("migrations-state-v2-dapr.shop_|1", await _database.QueryAsync("SELECT key, value FROM dapr.meta"));
    }

    [Fact]
    public async Task Reads_and_writes_rows_of_daprd()
    {
        await _database.QueryAsync(MadeByDaprd);
        var store = await _database.StateAsync();

        var item = (await store.GetAsync("app||a", default))!;
        Assert.Equal(("{\"n\":1}", "5f0f3f7e-3d4b-4a8a-9f57-0d5c1d6b2a11"), (Encoding.UTF8.GetString(item.Value.Span), item.ETag));
        Assert.Null(await store.GetAsync("app||old", default));
        Assert.NotNull((await store.GetAsync("app||soon", default))!.ExpiresAt);
        Assert.Equal(["app||a", "app||soon"], await ListAsync(store));

        await store.WriteAsync(new StateWrite("app||a", Bytes("{\"n\":2}"), item.ETag, Ttl: TimeSpan.FromHours(2)), default);
        // As daprd reads and conditionally writes it.
        Assert.Equal("{\"n\":2}|t|t", await _database.QueryAsync(
            "SELECT convert_from(value, 'UTF8'), updated_at IS NOT NULL, expires_at BETWEEN now() + interval '119 minutes' AND now() + interval '120 minutes' FROM state WHERE key = 'app||a' AND etag <> '5f0f3f7e-3d4b-4a8a-9f57-0d5c1d6b2a11'"));
        var current = (await store.GetAsync("app||a", default))!.ETag;
        await _database.QueryAsync($"UPDATE state SET value = '3', etag = gen_random_uuid(), updated_at = now() WHERE key = 'app||a' AND etag = '{current}'");
        Assert.Equal("3", Encoding.UTF8.GetString((await store.GetAsync("app||a", default))!.Value.Span));
        await Assert.ThrowsAsync<ETagMismatchException>(async () => await store.WriteAsync(new StateWrite("app||a", null, current), default));
    }

    [Fact]
    public async Task Sidecars_that_start_at_once_make_the_tables_once()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => _database.StateAsync()));

        Assert.Equal("1", await _database.QueryAsync("SELECT count(*) FROM dapr_metadata"));
        Assert.Equal("2", await _database.QueryAsync("SELECT count(*) FROM pg_indexes WHERE tablename = 'state'"));
    }

    [Theory]
    [InlineData("2", "has version 2")]
    [InlineData("0", "has version 0")]
    [InlineData("x", "is not a number: 'x'")]
    public async Task A_schema_of_another_version_is_named_and_left_alone(string version, string expected)
    {
        await _database.QueryAsync(MadeByDaprd + $"UPDATE dapr_metadata SET value = '{version}' WHERE key LIKE 'migrations%';");

        var refused = await Assert.ThrowsAsync<ComponentException>(() => _database.StateAsync());

        Assert.Contains(expected, refused.Message);
        Assert.Contains($"database '{_database.Name}'", refused.Message);
        Assert.Equal("3", await _database.QueryAsync("SELECT count(*) FROM state"));
    }

    [Fact]
    public async Task A_table_of_v1_is_recognised_and_not_touched()
    {
        await _database.QueryAsync(
            "CREATE TABLE state (key text NOT NULL PRIMARY KEY, value jsonb NOT NULL, isbinary boolean NOT NULL, insertdate timestamptz, updatedate timestamptz, expiredate timestamptz)");

        var refused = await Assert.ThrowsAsync<ComponentException>(() => _database.StateAsync());

        Assert.Contains("made by v1, whose data v2 cannot read; set another 'tablePrefix'", refused.Message);
        Assert.Equal("", await _database.QueryAsync("SELECT indexdef FROM pg_indexes WHERE tablename = 'state' AND indexdef LIKE '%expires_at%'"));
        await _database.StateAsync(("tablePrefix", "v2_"));
    }

    [Fact]
    public async Task A_table_that_is_gone_is_missed()
    {
        await _database.StateAsync();
        await _database.QueryAsync("DROP TABLE state");

        Assert.Contains("is gone, while its version is still noted", (await Assert.ThrowsAsync<ComponentException>(() => _database.StateAsync())).Message);
    }

    [Fact]
    public async Task Version_v1_of_the_component_is_refused()
    {
        var refused = await Assert.ThrowsAsync<ComponentException>(() => _database.StartAsync<IStateStore>("state.postgresql", [], version: "v1"));

        Assert.Contains("write 'version: v2'", refused.Message);
    }

    [Fact]
    public async Task The_old_name_of_the_type_is_the_same_component()
    {
        var store = await _database.StartAsync<IStateStore>("state.postgres", []);
        await store.WriteAsync(new StateWrite("a", Bytes("1")), default);

        Assert.NotNull(await (await _database.StateAsync()).GetAsync("a", default));
    }

    [Theory]
    [InlineData("cache_statement")]
    [InlineData("exec")]
    [InlineData("simple_protocol")]
    public async Task Every_mode_of_execution_leaves_no_more_in_a_session_than_it_says(string mode)
    {
        var store = await _database.StateAsync(("queryExecMode", mode), ("maxConns", "1"));
        for (var i = 0; i < 4; i++)
        {
            await store.WriteAsync(new StateWrite("a", Bytes($"{i}")), default);
            await store.TransactAsync([new("a", Bytes($"{i}"), (await store.GetAsync("a", default))!.ETag), new("b", null)], default);
        }

        Assert.Equal("3", Encoding.UTF8.GetString((await store.GetAsync("a", default))!.Value.Span));
        // What is prepared is seen by its own session only.
        var binding = await _database.BindingAsync(("queryExecMode", mode), ("maxConns", "1"));
        var query = new BindingRequest("query", default, new ComponentMetadata([new("sql", "SELECT count(*) > 0 FROM pg_prepared_statements WHERE statement LIKE '%pg_prep%'")]));
        for (var i = 0; i < 3; i++)
        {
            await binding.InvokeAsync(query, default);
        }

        Assert.Equal(mode == "cache_statement" ? "[[true]]" : "[[false]]", Encoding.UTF8.GetString((await binding.InvokeAsync(query, default)).Data!.Value.Span));
    }

    private static async Task<string[]> ListAsync(IStateStore store) => await ((IKeyListing)store).ListKeysAsync("app||", default).ToArrayAsync();

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
