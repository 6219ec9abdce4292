using System.Net.Sockets;
using System.Text.Json;
using LocalServers;

namespace Platform.Tests;

/// <summary>Closes all connections of clients at the server, which goes on.</summary>
internal static class Connections
{
    public static Task CutAsync(LocalServer server, CancellationToken cancellationToken) => server switch
    {
        RedisServer redis => CutAsync(redis, cancellationToken),
        RabbitMqServer rabbit => CutAsync(rabbit, cancellationToken),
        PostgresServer postgres => postgres.QueryAsync(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
            cancellationToken: cancellationToken),
        _ => throw new ArgumentOutOfRangeException(nameof(server)),
    };

    private static async Task CutAsync(RedisServer redis, CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(redis.Host, redis.Port, cancellationToken);
        var stream = client.GetStream();
        using var reader = new StreamReader(stream);
        foreach (var kind in (string[])["normal", "pubsub"])
        {
            await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes($"CLIENT KILL TYPE {kind}\r\n"), cancellationToken);
            Assert.StartsWith(":", await reader.ReadLineAsync(cancellationToken));
        }
    }

    private static async Task CutAsync(RabbitMqServer rabbit, CancellationToken cancellationToken)
    {
        using var list = JsonDocument.Parse(await rabbit.Management.GetStringAsync("connections", cancellationToken));
        foreach (var connection in list.RootElement.EnumerateArray())
        {
            // One that ended meanwhile is not found, which is as good.
            using var answer = await rabbit.Management.DeleteAsync($"connections/{Uri.EscapeDataString(connection.GetProperty("name").GetString()!)}", cancellationToken);
        }
    }
}
