using System.Net;
using System.Net.Sockets;
using System.Text;
using LocalServers;
using Sidecar.Abstractions;
using Sidecar.Api.Tests;
using TestServers;

namespace Sidecar.Runtime.Tests;

/// <summary>Components whose server is not up when the sidecar starts.</summary>
public sealed class ServerStartTests
{
    public static TheoryData<string> Types => ["state.redis", "state.postgresql", "pubsub.rabbitmq"];

    [Theory]
    [MemberData(nameof(Types))]
    public async Task A_server_that_starts_with_the_run_is_waited_for(string type)
    {
        await using var server = await StoppedAsync(type);
        await using var run = Run(type, server, "30s", serverWait: TimeSpan.FromMinutes(2));
        await run.AppAsync("app");

        var start = run.StartAsync();
        await TestRun.Eventually(() => run.Log.Any(line => line.Contains($"Component it ({type}) cannot start yet, trying again: ", StringComparison.Ordinal)));
        await server.RestartAsync(TestContext.Current.CancellationToken);
        await start;

        Assert.Equal("it", Assert.Single(run.Sidecar.Apps[0].Components.All).Manifest.Name);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public async Task One_that_does_not_come_is_named_with_its_address_and_what_to_do(string type)
    {
        await using var server = await StoppedAsync(type);
        await using var run = Run(type, server, "10s", serverWait: TimeSpan.Zero);
        await run.AppAsync("app");

        var problem = (await Assert.ThrowsAsync<ComponentException>(() => run.StartAsync())).Message;

        Assert.StartsWith($"component 'it' ({type}, {run.Folder}/it.yaml): ", problem, StringComparison.Ordinal);
        Assert.Contains($"{server.Port}", problem, StringComparison.Ordinal);
        Assert.EndsWith("(tried for 10 s; start the server, or raise initTimeout)", problem, StringComparison.Ordinal);
    }

    /// <summary>RabbitMQ's port is open before it takes connections.</summary>
    [Fact]
    public async Task One_that_hangs_up_while_it_boots_is_dialled_again()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var address = $"127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";
        await using var run = new TestRun { ServerWait = TimeSpan.FromMinutes(2) }
            .Component("it", "pubsub.rabbitmq", $"connectionString=amqp://guest:guest@{address};connectTimeout=30s", "  initTimeout: 30s\n");
        await run.AppAsync("app");

        var start = run.StartAsync();
        foreach (var answer in (string[])["", "", "HTTP/1.1 400 Bad Request\r\n\r\n"])
        {
            using var client = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
            await client.GetStream().ReadExactlyAsync(new byte[8], TestContext.Current.CancellationToken);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(answer), TestContext.Current.CancellationToken);
        }

        Assert.Contains("does not speak AMQP 0-9-1", (await Assert.ThrowsAsync<ComponentException>(() => start)).Message, StringComparison.Ordinal);
        Assert.Equal(2, run.Log.Count(line => line.Contains($"trying again: amqp://{address} took the connection and closed it without a word", StringComparison.Ordinal)));
    }

    private static TestRun Run(string type, LocalServer server, string initTimeout, TimeSpan serverWait) => new TestRun { ServerWait = serverWait }.Component(
        "it", type, Metadata(server), $"  initTimeout: {initTimeout}\n", type == "state.postgresql" ? "v2" : "v1");

    /// <summary>One that was up before, so that it is complete and its port is known.</summary>
    private static async Task<LocalServer> StoppedAsync(string type)
    {
        LocalServer server = type switch
        {
            "state.redis" => await Servers.NewRedisAsync(),
            "state.postgresql" => await Servers.NewPostgresAsync(),
            _ => await Servers.NewRabbitMqAsync(),
        };
        await server.StopAsync();
        return server;
    }

    private static string Metadata(LocalServer server) => server switch
    {
        PostgresServer postgres => $"host={server.Host};port={server.Port};user=postgres;password={postgres.Password};database=postgres",
        RabbitMqServer rabbit => $"connectionString={rabbit.AmqpUri("/")};connectTimeout=30s",
        _ => $"redisHost={server.Host}:{server.Port}",
    };
}
