using System.Text;
using LocalServers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;
using Sidecar.Components.Redis.PubSub;
using Sidecar.Redis;
using TestServers;

namespace Sidecar.Components.Redis.Tests.PubSub;

/// <summary>A Redis server, instances of <c>pubsub.redis</c> at it, and a client that looks behind them.</summary>
internal sealed class Broker : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> _disposables = [];

    private readonly RedisServer? _server;

    private Broker(string address, RedisServer? server, RedisClient client) => (Address, _server, Client) = (address, server, client);

    public string Address { get; }

    /// <summary>The server, to kill or pause; null in a process that did not start it.</summary>
    public RedisServer Server => _server ?? throw new InvalidOperationException();

    public RedisClient Client { get; }

    /// <summary>Of this test alone.</summary>
    public string Topic { get; init; } = $"topic-{Guid.NewGuid():N}";

    /// <summary>What the components have logged.</summary>
    public LogLines Logs { get; } = new();

    /// <summary>At the server of the test process.</summary>
    public static async Task<Broker> SharedAsync() => await AtAsync(await Servers.RedisAsync());

    /// <summary>At a server of the test's own.</summary>
    public static async Task<Broker> NewAsync(params string[] arguments) =>
        await AtAsync(await Servers.NewRedisAsync(new RedisServerOptions { Arguments = arguments }));

    /// <summary>At a server of another process.</summary>
    public static async Task<Broker> AtAsync(string address, string topic) =>
        new(address, null, await ConnectAsync(address)) { Topic = topic };

    public async Task<RedisPubSub> ComponentAsync(string metadata = "", int instance = 0, string appId = "app")
    {
        var services = new ServiceCollection().AddSingleton<ILoggerFactory>(Logs).BuildServiceProvider();
        var values = $"redisHost={Address};readTimeout=30s;dialTimeout=60s;{metadata}".Split(';', StringSplitOptions.RemoveEmptyEntries)
            .Select(pair => pair.Split('=', 2)).Select(pair => KeyValuePair.Create(pair[0], pair[1]));
        var component = new RedisPubSub(new ComponentContext("pubsub", "pubsub.redis", "v1", new ComponentMetadata(values), appId, instance, "", "", services));
        await component.InitAsync(default);
        _disposables.Add(component);
        return component;
    }

    /// <summary>Subscribes until the end of the test.</summary>
    public async Task<IAsyncDisposable> SubscribeAsync(IPubSub component, Consumer consumer)
    {
        var subscription = await component.SubscribeAsync(consumer.Request(Topic), default);
        _disposables.Add(subscription);
        return subscription;
    }

    public ValueTask PublishAsync(IPubSub component, string text, params (string Name, string Value)[] metadata) =>
        component.PublishAsync(Topic, Message(text, metadata), default);

    public static OutgoingMessage Message(string text, params (string Name, string Value)[] metadata) =>
        new(Encoding.UTF8.GetBytes(text), "text/plain", new ComponentMetadata(metadata.Select(pair => KeyValuePair.Create(pair.Name, pair.Value))));

    public async Task<RedisReply> RunAsync(string command, params RedisArgument[] arguments) =>
        await Client.ExecuteAsync(RedisCommand.Of(command, arguments));

    /// <summary>Messages that the group has not acknowledged.</summary>
    public async Task<long> PendingAsync(string group = "app") => (await RunAsync("XPENDING", Topic, group))[0].AsInt64();

    /// <summary>Names in a list of <c>XINFO</c>: groups, or consumers of a group.</summary>
    public async Task<string[]> NamesAsync(string what, params RedisArgument[] arguments)
    {
        var reply = await RunAsync("XINFO", [what, Topic, .. arguments]);
        return [.. reply.Items.Select(item => item[1].AsString()!)];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var disposable in Enumerable.Reverse(_disposables))
        {
            await disposable.DisposeAsync();
        }

        await Client.DisposeAsync();
    }

    private static async Task<Broker> AtAsync(RedisServer server) => new(server.Address, server, await ConnectAsync(server.Address));

    private static Task<RedisClient> ConnectAsync(string address) => RedisClient.ConnectAsync(new RedisOptions
    {
        Host = address.Split(':')[0],
        Port = int.Parse(address.Split(':')[1], null),
        ConnectTimeout = TimeSpan.FromSeconds(60),
        CommandTimeout = TimeSpan.FromSeconds(30),
    });
}
