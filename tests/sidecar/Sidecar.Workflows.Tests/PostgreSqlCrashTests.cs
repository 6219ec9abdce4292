using Microsoft.Extensions.DependencyInjection;
using Sidecar.Abstractions;
using Sidecar.Components.PostgreSql;
using TestServers;

namespace Sidecar.Workflows.Tests;

/// <summary>The same on a PostgreSQL server. Only processes die here, not the machine, so it does not wait for the disk.</summary>
public sealed class PostgreSqlCrashTests : CrashSuite, IAsyncLifetime
{
    private const string Database = "workflows";
    private LocalServers.PostgresServer _server = null!;
    private IStateStore _store = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await Servers.NewPostgresAsync(new LocalServers.PostgresServerOptions { Durable = false });
        _store = (IStateStore)new ComponentRegistry().AddPostgreSql().Find("state.postgresql")!(new ComponentContext(
            "statestore", "state.postgresql", "v2", new ComponentMetadata([new("connectionString", await _server.CreateDatabaseAsync(Database))]), "app", 0, "/", "/",
            new ServiceCollection().BuildServiceProvider()));
        await _store.InitAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        await _server.DisposeAsync();
    }

    protected override async Task<IStateStore> NewDiskAsync()
    {
        await _server.QueryAsync("TRUNCATE state", Database);
        return _store;
    }
}
