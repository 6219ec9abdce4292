using FakeModelServer;
using TestServers;

namespace Platform.Tests;

/// <summary>The platform on a component set, with real servers that hold nothing of another run. The test is skipped where one is not installed.</summary>
internal static class ComponentSets
{
    private static int _runs;

    public static async Task<PlatformRun> StartAsync(string set, FakeModelOptions behaviour, params string[] arguments) =>
        await PlatformRun.StartAsync(behaviour, await ServersAsync(set), ["-c", set, .. arguments]);

    /// <summary>The variables by which a run takes servers of the caller's own.</summary>
    private static async Task<(string Name, string Value)[]> ServersAsync(string set)
    {
        if (set == "local")
        {
            return [];
        }

        var redis = await Servers.NewRedisAsync(new LocalServers.RedisServerOptions { Password = "of these tests" });
        var variables = new List<(string, string)> { ("REDIS_HOST", redis.Address), ("REDIS_PASSWORD", redis.Password!) };
        if (set == "rabbitmq")
        {
            var name = $"run{Interlocked.Increment(ref _runs)}";
            var rabbit = await Servers.RabbitMqAsync();
            variables.Add(("RABBITMQ_CONNECTION_STRING", await rabbit.CreateVhostAsync(name)));
            await rabbit.ImportAsync(await File.ReadAllTextAsync(Path.Combine(PlatformRun.Root, "components", "rabbitmq", "topology.json")), name);
            variables.Add(("POSTGRES_CONNECTION_STRING", await (await Servers.PostgresAsync()).CreateDatabaseAsync(name)));
        }

        return [.. variables];
    }
}
