using LocalServers;
using TestServers;

namespace Platform.Tests;

/// <summary>
/// The servers of a component set, of the test's own, so that it can kill them; and what a run must be told to use them. Without servers for the
/// set <c>local</c>.
/// </summary>
internal sealed class ServerSet : IAsyncDisposable
{
    private readonly List<LocalServer> _servers = [];
    private readonly string _folder = Servers.NewDirectory("tandem set ");

    private ServerSet(string name) => Name = name;

    /// <summary>Folder below <c>components/</c>.</summary>
    public string Name { get; }

    /// <summary>Arguments of <c>daprw run</c>.</summary>
    public string[] Arguments { get; private set; } = [];

    /// <summary>Environment of <c>daprw run</c>.</summary>
    public (string Name, string Value)[] Settings { get; private set; } = [];

    public LocalServer this[string server] => _servers.Single(one => one.Name == server);

    /// <summary>Starts the servers and gives RabbitMQ the topology that the set ships.</summary>
    /// <param name="name">The set.</param>
    /// <param name="change">Changes the text of a component file, by its name.</param>
    public static async Task<ServerSet> StartAsync(string name, Func<string, string, string>? change = null)
    {
        var set = new ServerSet(name);
        try
        {
            var source = Path.Combine(PlatformRun.Root, "components", name);
            // RabbitMQ takes longest.
            var redis = name == "local" ? null : Servers.NewRedisAsync();
            var rabbit = name == "rabbitmq" ? Servers.NewRabbitMqAsync() : null;
            var postgres = name == "rabbitmq" ? Servers.NewPostgresAsync() : null;
            var settings = new List<(string, string)>();
            if (redis is not null)
            {
                set._servers.Add(await redis);
                settings.AddRange([("REDIS_HOST", (await redis).Address), ("REDIS_PASSWORD", "")]);
            }

            if (postgres is not null)
            {
                set._servers.Add(await postgres);
                settings.Add(("POSTGRES_CONNECTION_STRING", (await postgres).ConnectionString()));
            }

            if (rabbit is not null)
            {
                set._servers.Add(await rabbit);
                settings.Add(("RABBITMQ_CONNECTION_STRING", (await rabbit).AmqpUri()));
                await (await rabbit).ImportAsync(await File.ReadAllTextAsync(Path.Combine(source, "topology.json")));
            }

            set.Settings = [.. settings];
            set.Arguments = ["-c", change is null ? name : set.Copy(source, change)];
            return set;
        }
        catch
        {
            await set.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
        {
            await server.KillAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private string Copy(string source, Func<string, string, string> change)
    {
        foreach (var file in Directory.EnumerateFiles(source))
        {
            File.WriteAllText(Path.Combine(_folder, Path.GetFileName(file)), change(Path.GetFileName(file), File.ReadAllText(file)));
        }

        return _folder;
    }
}
