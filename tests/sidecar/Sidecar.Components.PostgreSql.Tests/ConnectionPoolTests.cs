using Npgsql;
using Sidecar.Abstractions;
using Sidecar.Components.PostgreSql.Connections;
using TestServers;

namespace Sidecar.Components.PostgreSql.Tests;

public sealed class ConnectionPoolTests
{
    [Fact]
    public async Task Who_waits_when_the_connections_are_left_behind_gets_a_new_one()
    {
        var server = await Servers.PostgresAsync();
        await using var pool = new ConnectionPool(ConnectionSettings.Read(
            new ComponentMetadata([new("connectionString", server.ConnectionString() + ";Timeout=60"), new("maxConns", "1")])));
        using var first = new Operation();
        using var second = new Operation();
        var open = await pool.OpenAsync(first);
        var waiting = pool.OpenAsync(second).AsTask();

        pool.Abandon(first.Generation!);
        await open.DisposeAsync();

        await using var taken = await waiting;
        Assert.NotSame(first.Generation, second.Generation);
        await using var command = new NpgsqlCommand("SELECT 1", taken.Connection);
        Assert.Equal(1, await command.ExecuteScalarAsync());
    }
}
