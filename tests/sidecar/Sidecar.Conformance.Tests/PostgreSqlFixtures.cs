using System.Globalization;
using LocalServers;
using Sidecar.Abstractions;
using Sidecar.Components.PostgreSql;
using TestKit;
using TestServers;

namespace Sidecar.Conformance.Tests;

/// <summary>A database of its own on the shared server, whose clock counts.</summary>
public sealed class PostgreSqlFixture : ComponentFixture, IStateStoreFixture, IConfigurationFixture
{
    private static int _databases;
    private readonly string _database = $"conformance_{Interlocked.Increment(ref _databases)}";
    private string? _connection;
    private PostgresServer _server = null!;

    protected override ComponentRegistry Registry { get; } = new ComponentRegistry().AddPostgreSql();

    public override ManualTimeProvider? Clock => null;

    public bool KnowsMalformedETags => false;

    public async Task<IStateStore> StateStoreAsync() =>
        await CreateAsync<IStateStore>("state.postgresql", "app", 0, await MetadataAsync(), version: "v2");

    public async Task<IConfigurationStore> ConfigurationStoreAsync()
    {
        var metadata = await MetadataAsync() + ";table=configuration;notifyChannel=configuration";
        await _server.QueryAsync(
            """
            CREATE TABLE configuration (key varchar NOT NULL, value varchar NOT NULL, version varchar NOT NULL, metadata json, PRIMARY KEY (key));
            CREATE SEQUENCE versions;
            CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              PERFORM pg_notify('configuration', json_build_object('table', TG_TABLE_NAME, 'action', TG_OP, 'data', coalesce(NEW, OLD))::text);
              RETURN NULL;
            END $$;
            CREATE TRIGGER tell AFTER INSERT OR UPDATE OR DELETE ON configuration FOR EACH ROW EXECUTE FUNCTION tell();
            """,
            _database);
        return await CreateAsync<IConfigurationStore>("configuration.postgresql", "app", 0, metadata);
    }

    public async Task WriteAsync(string key, string? value, string? version = null) => await _server.QueryAsync(
        value is null
            ? $"DELETE FROM configuration WHERE key = '{key}'"
            : string.Create(CultureInfo.InvariantCulture, $"""
                INSERT INTO configuration VALUES ('{key}', '{value}', {(version is null ? "nextval('versions')" : $"'{version}'")})
                ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = {(version is null ? "nextval('versions')" : "excluded.version")}
                """),
        _database);

    private async Task<string> MetadataAsync()
    {
        if (_connection is null)
        {
            _server = await Servers.PostgresAsync();
            _connection = await _server.CreateDatabaseAsync(_database);
        }

        return $"host={_server.Host};port={_server.Port};user=postgres;password={_server.Password};database={_database};maxConns=8;{Patient.PostgreSql}";
    }
}

public sealed class PostgreSqlStateStoreTests : StateStoreConformance<PostgreSqlFixture>;

public sealed class PostgreSqlConfigurationTests : ConfigurationConformance<PostgreSqlFixture>;
