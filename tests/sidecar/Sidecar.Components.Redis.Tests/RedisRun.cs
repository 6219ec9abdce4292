using LocalServers;
using Microsoft.Extensions.DependencyInjection;
using Sidecar.Abstractions;
using Sidecar.Redis;
using TestServers;

namespace Sidecar.Components.Redis.Tests;

/// <summary>A server of a test's own, what redis-cli would be, and the components that the test makes.</summary>
internal sealed class RedisRun : IAsyncDisposable
{
    private readonly List<IComponent> _components = [];

    private RedisRun(RedisServer server, RedisClient cli) => (Server, Cli) = (server, cli);

    public RedisServer Server { get; }

    public RedisClient Cli { get; }

    public static async Task<RedisRun> StartAsync(RedisServerOptions? options = null)
    {
        var server = await Servers.NewRedisAsync(options);
        return new RedisRun(server, await RedisClient.ConnectAsync(new RedisOptions
        {
            Host = server.Host,
            Port = server.Port,
            Password = options?.Password,
            ConnectTimeout = TimeSpan.FromSeconds(60),
            CommandTimeout = TimeSpan.FromSeconds(30),
        }));
    }

    /// <summary>A component of this server. Such with different <paramref name="metadata"/> of the connection have connections of their own.</summary>
    public async Task<T> CreateAsync<T>(string type, params (string Name, string Value)[] metadata) where T : IComponent
    {
        var component = (T)Make(type, [("redisHost", Server.Address), ("readTimeout", "30s"), ("dialTimeout", "60s"), .. metadata]);
        await component.InitAsync(TestContext.Current.CancellationToken);
        _components.Add(component);
        return component;
    }

    public static IComponent Make(string type, params (string Name, string Value)[] metadata) =>
        new ComponentRegistry().AddRedis().Find(type)!(new ComponentContext(
            "component", type, "v1", new ComponentMetadata(metadata.Select(entry => KeyValuePair.Create(entry.Name, entry.Value))), "app", 0,
            Path.GetTempPath(), Path.GetTempPath(), new ServiceCollection().BuildServiceProvider()));

    /// <summary>A command as it is typed, words by blanks.</summary>
    public async Task<RedisReply> TypeAsync(string line)
    {
        var words = line.Split(' ');
        return await Cli.ExecuteAsync(RedisCommand.Of(words[0], words.Skip(1).Select(word => (RedisArgument)word).ToArray()));
    }

    /// <summary>The fields of a hash.</summary>
    public async Task<IReadOnlyDictionary<string, string?>> HashAsync(string key)
    {
        var fields = await TypeAsync($"HGETALL {key}");
        return fields.Items.Chunk(2).ToDictionary(pair => pair[0].AsString()!, pair => pair[1].AsString());
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var component in _components)
        {
            await component.DisposeAsync();
        }

        await Cli.DisposeAsync();
        await Server.DisposeAsync();
    }
}
