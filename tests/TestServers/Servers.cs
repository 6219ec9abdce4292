using System.Collections.Concurrent;
using System.Diagnostics;
using LocalServers;
using Xunit;

namespace TestServers;

/// <summary>
/// Real servers for tests. The shared ones are started at the first use, one of each per test process, and end with it; tests keep apart by
/// database number, virtual host or database. Where a server is not installed the test is skipped with the command that installs it.
/// </summary>
public static class Servers
{
    private static readonly Lazy<Task<RedisServer>> Redis = new(() => NewRedisAsync());
    private static readonly Lazy<Task<RabbitMqServer>> RabbitMq = new(() => NewRabbitMqAsync());
    private static readonly Lazy<Task<PostgresServer>> Postgres = new(() => NewPostgresAsync(new PostgresServerOptions { Durable = false }));

    private static readonly ConcurrentBag<LocalServer> Started = [];
    private static readonly ConcurrentBag<string> Folders = [];

    static Servers() => AppDomain.CurrentDomain.ProcessExit += (_, _) => End();

    /// <summary>The shared Redis, durable, without a password.</summary>
    public static Task<RedisServer> RedisAsync() => Redis.Value;

    /// <summary>The shared RabbitMQ; use a virtual host of your own.</summary>
    public static Task<RabbitMqServer> RabbitMqAsync() => RabbitMq.Value;

    /// <summary>The shared PostgreSQL, which does not wait for the disk; use a database of your own.</summary>
    public static Task<PostgresServer> PostgresAsync() => Postgres.Value;

    /// <summary>A started Redis of the test's own, to kill, pause or configure. Ends with the test process at the latest.</summary>
    public static Task<RedisServer> NewRedisAsync(RedisServerOptions? options = null) => StartedAsync(new RedisServer(NewDirectory(), options));

    /// <summary>A started RabbitMQ of the test's own.</summary>
    public static Task<RabbitMqServer> NewRabbitMqAsync(RabbitMqServerOptions? options = null) => StartedAsync(new RabbitMqServer(NewDirectory(), options));

    /// <summary>A started PostgreSQL of the test's own, durable unless said otherwise.</summary>
    public static Task<PostgresServer> NewPostgresAsync(PostgresServerOptions? options = null) => StartedAsync(new PostgresServer(NewDirectory(), options));

    /// <summary>A folder that the user postgres can reach as well; removed at the end of the process.</summary>
    public static string NewDirectory(string prefix = "tandem-server-")
    {
        var folder = Directory.CreateTempSubdirectory(prefix).FullName;
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        }

        Folders.Add(folder);
        return folder;
    }

    /// <summary>Skips the test when the server is not installed.</summary>
    public static void SkipUnlessInstalled(LocalServer server)
    {
        if (server.Missing is { } missing)
        {
            Assert.Skip(missing);
        }
    }

    private static async Task<TServer> StartedAsync<TServer>(TServer server)
        where TServer : LocalServer
    {
        SkipUnlessInstalled(server);
        Started.Add(server);
        await server.StartAsync();
        return server;
    }

    /// <summary>The folders are left to another process: a gigabyte of them takes longer than the test runner gives this one to end.</summary>
    private static void End()
    {
        Task.WaitAll(Started.Select(server => server.KillAsync()));
        using (Process.Start("rm", ["-rf", "--", .. Folders]))
        {
        }
    }
}
