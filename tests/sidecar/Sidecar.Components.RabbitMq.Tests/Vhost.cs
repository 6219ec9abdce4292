using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using LocalServers;
using Microsoft.Extensions.DependencyInjection;
using Sidecar.Abstractions;
using TestServers;

namespace Sidecar.Components.RabbitMq.Tests;

/// <summary>A virtual host of a test, and the components that work there.</summary>
internal sealed class Vhost : IAsyncDisposable
{
    public const string Topic = "something-happened";

    public static readonly ComponentMetadata Quorum = Metadata("queueType=quorum");

    private readonly List<IComponent> _components = [];

    private Vhost(RabbitMqServer server, string name, string address) => (Server, Name, Address) = (server, name, address);

    public RabbitMqServer Server { get; }

    public string Name { get; }

    public string Address { get; }

    /// <summary>On the server, or on the shared one.</summary>
    public static async Task<Vhost> CreateAsync(RabbitMqServer? server = null)
    {
        server ??= await Servers.RabbitMqAsync();
        var name = Guid.NewGuid().ToString("N");
        return new Vhost(server, name, await server.CreateVhostAsync(name));
    }

    /// <summary>A component as a platform's work queues have it; metadata as <c>name=value;name=value</c>.</summary>
    public async Task<IPubSub> PubSubAsync(string metadata = "", string appId = "app")
    {
        var component = await ConnectAsync(Address, appId, metadata);
        _components.Add(component);
        return component;
    }

    public async Task<T> BindingAsync<T>(string metadata) where T : IComponent
    {
        var component = Create("bindings.rabbitmq", $"host={Address};connectTimeout=60s;{metadata}");
        _components.Add(component);
        await component.InitAsync(default);
        return (T)component;
    }

    public static async Task<IPubSub> ConnectAsync(string address, string appId, string metadata)
    {
        var component = Create("pubsub.rabbitmq", $"connectionString={address};connectTimeout=60s;deletedWhenUnused=false;redeliverInterval=300ms;reconnectWaitSeconds=200ms;{metadata}", appId);
        await component.InitAsync(default);
        return (IPubSub)component;
    }

    public static IComponent Create(string type, string metadata, string appId = "app") => Create(type, Metadata(metadata), appId);

    public static IComponent Create(string type, IEnumerable<KeyValuePair<string, string>> metadata, string appId = "app") =>
        new ComponentRegistry().AddRabbitMq().Find(type)!(new ComponentContext(
            "pubsub", type, "v1", new ComponentMetadata(metadata), appId, 0, "/", "/", new ServiceCollection().BuildServiceProvider()));

    public static ComponentMetadata Metadata(string text) => new(text.Split(';', StringSplitOptions.RemoveEmptyEntries)
        .Select(pair => pair.Split('=', 2)).Select(pair => KeyValuePair.Create(pair[0], pair[1])));

    public static OutgoingMessage Message(string text, string metadata = "") => new(Encoding.UTF8.GetBytes(text), "text/plain", Metadata(metadata));

    public static string Text(IncomingMessage message) => Encoding.UTF8.GetString(message.Data.Span);

    /// <summary>Sets a policy for all queues.</summary>
    public async Task PolicyAsync(object definition) => (await Server.Management.PutAsJsonAsync(
        $"policies/{Name}/policy", new Dictionary<string, object> { ["pattern"] = ".*", ["apply-to"] = "queues", ["definition"] = definition })).EnsureSuccessStatusCode();

    /// <summary>Messages of a queue and how many of them are with a consumer, as the broker knows it now.</summary>
    public async Task<(int Ready, int Unacknowledged)> CountAsync(string queue = $"app-{Topic}")
    {
        var answer = await Server.Management.GetFromJsonAsync<JsonElement>($"queues/{Name}/{queue}?disable_stats=false");
        return (Number("messages_ready"), Number("messages_unacknowledged"));

        int Number(string name) => answer.TryGetProperty(name, out var value) ? value.GetInt32() : -1;
    }

    /// <summary>
    /// Waits until the broker has noted down that it has the quorum queue: it does so every half second, and killed before that it does not find the
    /// queue again, with whatever it had confirmed.
    /// </summary>
    public Task NotedAsync(string queue = $"app-{Topic}") => Wait.UntilAsync(() => Directory
        .EnumerateFiles(Server.DataDirectory, "names.dets", SearchOption.AllDirectories)
        .Any(file => Encoding.Latin1.GetString(File.ReadAllBytes(file)).Contains($"{Name}_{queue}", StringComparison.Ordinal)));

    /// <summary>Closes the connections of this virtual host as an administrator does; false when there are none yet.</summary>
    public async Task<bool> CutAsync()
    {
        var connections = await Server.Management.GetFromJsonAsync<JsonElement>($"vhosts/{Name}/connections");
        foreach (var connection in connections.EnumerateArray())
        {
            await Server.Management.DeleteAsync($"connections/{Uri.EscapeDataString(connection.GetProperty("name").GetString()!)}");
        }

        return connections.GetArrayLength() > 0;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var component in _components)
        {
            await component.DisposeAsync();
        }

        if (Server.Pid is not null)
        {
            await Server.Management.DeleteAsync($"vhosts/{Name}");
        }
    }
}
