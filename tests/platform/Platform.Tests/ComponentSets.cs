using FakeModelServer;
using LocalServers;
using TestServers;

namespace Platform.Tests;

/// <summary>The platform on a component set, with real servers that hold nothing of another run. The test is skipped where one is not installed.</summary>
internal static class ComponentSets
{
    /// <summary>A receiver in this busy process may answer late; a second attempt at it would be a false one.</summary>
    private static readonly (string Name, string Value) PatientSender = ("GuardedPost__TotalTimeout", "00:01:00");

    private static int _runs;

    public static async Task<PlatformRun> StartAsync(string set, FakeModelOptions behaviour, params string[] arguments) =>
        await PlatformRun.StartAsync(behaviour, [PatientSender, .. await ServersAsync(set)], ["-c", set, .. arguments]);

    /// <summary>The same with pictures in a bucket.</summary>
    public static async Task<PlatformRun> StartAsync(string set, FakeModelOptions behaviour, PictureBucket bucket) =>
        await PlatformRun.StartAsync(behaviour, bucket, set, [PatientSender, .. await ServersAsync(set)]);

    /// <summary>Starts the servers of a set; the variables by which the platform takes them.</summary>
    public static async Task<(string Name, string Value)[]> ServersAsync(string set)
    {
        if (set == "local")
        {
            return [];
        }

        var redis = await Servers.NewRedisAsync(new RedisServerOptions { Password = "of these tests" });
        if (set != "rabbitmq")
        {
            return Variables(redis);
        }

        var name = $"run{Interlocked.Increment(ref _runs)}";
        var rabbit = await Servers.RabbitMqAsync();
        var address = await rabbit.CreateVhostAsync(name);
        await ImportTopologyAsync(rabbit, name);
        return Variables(redis, address, await (await Servers.PostgresAsync()).CreateDatabaseAsync(name));
    }

    /// <summary>The variables by which a run takes servers of the caller's own.</summary>
    public static (string Name, string Value)[] Variables(RedisServer redis, string? rabbitMq = null, string? postgres = null)
    {
        List<(string, string)> variables = [("REDIS_HOST", redis.Address), ("REDIS_PASSWORD", redis.Password ?? "")];
        if (rabbitMq is not null)
        {
            variables.Add(("RABBITMQ_CONNECTION_STRING", rabbitMq));
        }

        if (postgres is not null)
        {
            variables.Add(("POSTGRES_CONNECTION_STRING", postgres));
        }

        return [.. variables];
    }

    /// <summary>The queues that must be there before the first message, as the set ships them.</summary>
    public static async Task ImportTopologyAsync(RabbitMqServer rabbit, string vhost = "/") =>
        await rabbit.ImportAsync(await File.ReadAllTextAsync(Path.Combine(PlatformRun.Root, "components", "rabbitmq", "topology.json")), vhost);
}
