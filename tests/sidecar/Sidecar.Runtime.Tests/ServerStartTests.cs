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
