using LocalServers;

namespace Sidecar.Redis.Tests;

internal static class RedisServerExtensions
{
    /// <summary>Options that reach the server, with the patience of a test.</summary>
    public static RedisOptions Options(this RedisServer server) => new()
    {
        Host = server.Host,
        Port = server.Port,
        Password = server.Password,
        ConnectTimeout = TimeSpan.FromSeconds(60),
        CommandTimeout = TimeSpan.FromSeconds(30),
    };

    /// <summary>kill -9 and a new start.</summary>
    public static async Task CrashAsync(this RedisServer server, CancellationToken cancellationToken)
    {
        await server.KillAsync();
        await server.StartAsync(cancellationToken);
    }
}
