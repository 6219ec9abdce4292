using System.Threading.Channels;
using LocalServers;
using Sidecar.Abstractions;
using TestServers;

namespace Sidecar.Components.PostgreSql.Tests;

public sealed class ConfigurationTests : IAsyncLifetime
{
    private TestDatabase _database = null!;
    private IConfigurationStore _store = null!;

    public async ValueTask InitializeAsync() => (_database, _store) = await StartAsync();

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    [Fact]
    public async Task The_highest_version_of_a_key_counts()
    {
        await _database.QueryAsync(
            """
            INSERT INTO configuration VALUES ('n', 'two', '2', NULL), ('n', 'ten', '10', '{"by":"ann","count":3}'), ('n', 'draft', 'zz', NULL),
              ('t', 'b', 'v1-b', NULL), ('t', 'a', 'v1-a', NULL), ('other', '', '', 'null');
            """);

        var items = await _store.GetAsync(["n", "t", "absent"], ComponentMetadata.Empty, default);

        Assert.Equal([("n", "ten", "10"), ("t", "b", "v1-b")], items.Select(item => (item.Key, item.Value.Value, item.Value.Version)).Order());
        Assert.Equal(("ann", "3"), (items["n"].Metadata["by"], items["n"].Metadata["count"]));
        Assert.Equal(["n", "other", "t"], (await _store.GetAsync([], ComponentMetadata.Empty, default)).Keys.Order());
    }

    [Fact]
    public async Task Removing_the_highest_version_brings_the_one_below_back()
    {
        await _database.QueryAsync("INSERT INTO configuration VALUES ('n', 'one', '1'), ('n', 'two', '2'), ('n', 'three', '3')");
        var changes = await SubscribeAsync(_store);

        await _database.QueryAsync("DELETE FROM configuration WHERE version = '1'");
        await _database.QueryAsync("DELETE FROM configuration WHERE version = '3'");
        Assert.Equal(("n", "two", "2"), await NextAsync(changes));

        // A row below the one that counts changes nothing.
        await _database.QueryAsync("INSERT INTO configuration VALUES ('n', 'zero', '0')");
        await _database.QueryAsync("DELETE FROM configuration WHERE version = '2'");
        Assert.Equal(("n", "zero", "0"), await NextAsync(changes));
    }

    [Fact]
    public async Task A_value_too_long_for_a_notification_is_read_from_the_table()
    {
        var changes = await SubscribeAsync(_store);

        await _database.QueryAsync("INSERT INTO configuration VALUES ('long', repeat('x', 20000), '1')");

        var (key, value, version) = await NextAsync(changes);
        Assert.Equal(("long", 20000, "1"), (key, value.Length, version));
    }

    [Fact]
    public async Task Other_notifications_on_the_channel_are_passed_over()
    {
        var changes = await SubscribeAsync(_store);

        await _database.QueryAsync(
            """
            NOTIFY changes, 'hello';
            NOTIFY changes, '{"table":"another","action":"INSERT","data":{"key":"n","value":"x","version":"9"}}';
            NOTIFY changes, '{"TABLE":"configuration","ACTION":"INSERT","DATA":{"KEY":"n","VALUE":"1","VERSION":"1","METADATA":{"a":"b"}}}';
            """);

        Assert.Equal(("n", "1", "1"), await NextAsync(changes));
        Assert.Contains("is not of the form table, action, data", _database.Log.Text);
    }

    [Fact]
    public async Task A_request_may_name_another_channel()
    {
        var other = await SubscribeAsync(_store, new ComponentMetadata([new("pgNotifyChannel", "Others")]));

        await _database.QueryAsync("NOTIFY others, '{\"data\":{\"key\":\"n\",\"value\":\"1\",\"version\":\"1\"}}'");

        Assert.Equal(("n", "1", "1"), await NextAsync(other));
    }

    [Fact]
    public async Task What_changed_while_the_connection_was_broken_is_told_afterwards()
    {
        await _database.QueryAsync("INSERT INTO configuration VALUES ('kept', '1', '1'), ('changed', '1', '1'), ('removed', '1', '1')");
        var changes = await SubscribeAsync(_store);

        // In one go: nobody listens when it is committed.
        await _database.QueryAsync(
            $"""
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{_database.Name}' AND pid <> pg_backend_pid();
            UPDATE configuration SET value = '2', version = '2' WHERE key = 'changed';
            DELETE FROM configuration WHERE key = 'removed';
            INSERT INTO configuration VALUES ('new', '1', '1');
            """);

        var told = new[] { await NextAsync(changes), await NextAsync(changes), await NextAsync(changes) };
        Assert.Equal([("changed", "2", "2"), ("new", "1", "1"), ("removed", "", "")], told.Order());
        await _database.QueryAsync("UPDATE configuration SET value = '3', version = '3' WHERE key = 'changed'");
        Assert.Equal(("changed", "3", "3"), await NextAsync(changes));
    }

    [Fact]
    public async Task A_subscription_survives_the_end_of_the_server()
    {
        var server = await Servers.NewPostgresAsync();
        await using var stop = server;
        var (database, store) = await StartAsync(server);
        await using var _ = database;
        await database.QueryAsync("INSERT INTO configuration VALUES ('n', '1', '1')");
        var changes = await SubscribeAsync(store);

        await server.KillAsync();
        await Wait.UntilAsync(() => Task.FromResult(database.Log.Text.Contains("does not hear of changes", StringComparison.Ordinal)));
        await server.RestartAsync();
        await database.QueryAsync("UPDATE configuration SET value = '2', version = '2'");

        Assert.Equal(("n", "2", "2"), await NextAsync(changes));
    }

    [Fact]
    public async Task Connections_for_listening_end_with_the_last_subscription()
    {
        const string Listening = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'";
        var subscriptions = new List<IAsyncDisposable>();
        for (var i = 0; i < 3; i++)
        {
            subscriptions.Add(await _store.SubscribeAsync([], ComponentMetadata.Empty, (_, _) => { }, default));
        }

        Assert.Equal("1", await _database.QueryAsync(Listening));
        foreach (var subscription in subscriptions)
        {
            await subscription.DisposeAsync();
        }

        await Wait.UntilAsync(async () => await _database.QueryAsync(Listening) == "0");
    }

    [Fact]
    public async Task Says_what_is_missing()
    {
        var noTable = await Assert.ThrowsAsync<ComponentException>(() => _database.ConfigurationAsync(("table", "absent")));
        Assert.Contains("relation \"absent\" does not exist; the table needs columns key, value, version", noTable.Message);
        Assert.Contains("'table' is required", (await Assert.ThrowsAsync<ComponentException>(() => _database.ConfigurationAsync(("table", "")))).Message);
        Assert.Contains("letters, digits and _", (await Assert.ThrowsAsync<ComponentException>(() => _database.ConfigurationAsync(("table", "t; DROP TABLE t")))).Message);

        var silent = await _database.ConfigurationAsync(("notifyChannel", ""));
        var noChannel = await Assert.ThrowsAsync<ComponentException>(() => silent.SubscribeAsync([], ComponentMetadata.Empty, (_, _) => { }, default));
        Assert.Contains("needs metadata 'pgNotifyChannel'", noChannel.Message);
    }

    private static async Task<(TestDatabase, IConfigurationStore)> StartAsync(PostgresServer? server = null)
    {
        var database = await TestDatabase.CreateAsync(server);
        // As docs/postgresql.md has it.
        await database.QueryAsync(
            """
            CREATE TABLE configuration (key varchar NOT NULL, value varchar NOT NULL, version varchar NOT NULL, metadata json, PRIMARY KEY (key, version));
            CREATE FUNCTION tell_change() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE
              item record := coalesce(NEW, OLD);
              payload text := json_build_object('table', TG_TABLE_NAME, 'action', TG_OP, 'data', item);
            BEGIN
              IF octet_length(payload) > 7999 THEN
                payload := json_build_object('table', TG_TABLE_NAME, 'action', TG_OP, 'data', json_build_object('key', item.key, 'version', item.version));
              END IF;
              PERFORM pg_notify('changes', payload);
              RETURN NULL;
            END $$;
            CREATE TRIGGER tell_change AFTER INSERT OR UPDATE OR DELETE ON configuration FOR EACH ROW EXECUTE FUNCTION tell_change();
            """);
        return (database, await database.ConfigurationAsync());
    }

    private static async Task<ChannelReader<(string, string, string)>> SubscribeAsync(IConfigurationStore store, ComponentMetadata? metadata = null)
    {
        var changes = Channel.CreateUnbounded<(string, string, string)>();
        await store.SubscribeAsync([], metadata ?? ComponentMetadata.Empty, (key, item) => changes.Writer.TryWrite((key, item.Value, item.Version)), default);
        return changes.Reader;
    }

    private static async Task<(string Key, string Value, string Version)> NextAsync(ChannelReader<(string, string, string)> changes) =>
        await changes.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));
}
