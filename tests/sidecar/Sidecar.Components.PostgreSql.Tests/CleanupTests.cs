using System.Text;
using Sidecar.Abstractions;

namespace Sidecar.Components.PostgreSql.Tests;

public sealed class CleanupTests : IAsyncLifetime
{
    private TestDatabase _database = null!;

    public async ValueTask InitializeAsync() => _database = await TestDatabase.CreateAsync();

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    [Fact]
    public async Task Expired_rows_go_and_one_of_many_sidecars_does_it()
    {
        for (var instance = 0; instance < 3; instance++)
        {
            await _database.StateAsync(("cleanupInterval", "200ms"));
        }

        await _database.QueryAsync(
            """
            CREATE TABLE turns (at timestamptz);
            CREATE FUNCTION turn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO turns VALUES (now()); RETURN NULL; END $$;
            CREATE TRIGGER turn AFTER INSERT OR UPDATE ON dapr_metadata FOR EACH ROW WHEN (NEW.key = 'last-cleanup-state-v2-') EXECUTE FUNCTION turn();
            INSERT INTO state (key, value, expires_at) SELECT 'old' || i, '1', now() - interval '1 second' FROM generate_series(1, 2500) i;
            INSERT INTO state (key, value, expires_at) VALUES ('soon', '1', now() + interval '1 hour'), ('kept', '1', NULL);
            """);

        await Wait.UntilAsync(async () => await _database.QueryAsync("SELECT count(*) FROM state") == "2");
        await Wait.UntilAsync(async () => int.Parse(await _database.QueryAsync("SELECT count(*) FROM turns")) >= 4);

        Assert.Equal("kept\nsoon", await _database.QueryAsync("SELECT key FROM state ORDER BY key"));
        Assert.Equal("t", await _database.QueryAsync("SELECT bool_and(gap >= interval '150 ms') FROM (SELECT at - lag(at) OVER (ORDER BY at) AS gap FROM turns) gaps"));
    }

    [Fact]
    public async Task A_row_that_is_being_written_is_left_and_waited_for_by_nobody()
    {
        // Makes the tables, and leaves the rows alone until one of them is locked.
        await _database.StateAsync(("cleanupInterval", "0"));
        await _database.QueryAsync("INSERT INTO state (key, value, expires_at) SELECT k, '1', now() - interval '1 second' FROM unnest('{locked,free}'::text[]) k");
        await using (await _database.LockAsync("locked"))
        {
            var store = await _database.StateAsync(("cleanupInterval", "100ms"));
            await Wait.UntilAsync(async () => await _database.QueryAsync("SELECT count(*) FROM state WHERE key = 'free'") == "0");

            Assert.Equal("1", await _database.QueryAsync("SELECT count(*) FROM state WHERE key = 'locked'"));
            await store.WriteAsync(new StateWrite("free", Encoding.UTF8.GetBytes("2")), default);
        }

        await Wait.UntilAsync(async () => await _database.QueryAsync("SELECT string_agg(key, ' ') FROM state") == "free");
    }

    [Fact]
    public async Task Zero_switches_it_off()
    {
        await _database.StateAsync(("cleanupInterval", "0"));
        await _database.StateAsync(("cleanupInterval", "50ms"), ("tablePrefix", "other_"));
        await _database.QueryAsync("INSERT INTO state (key, value, expires_at) VALUES ('old', '1', now() - interval '1 second'); INSERT INTO other_state SELECT * FROM state");

        await Wait.UntilAsync(async () => await _database.QueryAsync("SELECT count(*) FROM other_state") == "0");

        Assert.Equal("1", await _database.QueryAsync("SELECT count(*) FROM state"));
    }
}
