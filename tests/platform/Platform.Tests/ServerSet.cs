using LocalServers;
using TestServers;

namespace Platform.Tests;

/// <summary>
/// The servers of a component set, of the test's own, so that it can kill them (<see cref="ComponentSets"/> shares them between runs); and what a
/// run must be told to use them. Without servers for the set <c>local</c>.
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
            if (name != "local")
            {
                // RabbitMQ takes longest.
                var rabbit = name == "rabbitmq" ? Servers.NewRabbitMqAsync() : null;
                var postgres = name == "rabbitmq" ? await Servers.NewPostgresAsync() : null;
                var redis = await Servers.NewRedisAsync();
                set._servers.Add(redis);
                if (rabbit is not null && postgres is not null)
                {
                    set._servers.AddRange([postgres, await rabbit]);
                    await ComponentSets.ImportTopologyAsync(await rabbit);
                }

                set.Settings = ComponentSets.Variables(redis, rabbit is null ? null : (await rabbit).AmqpUri(), postgres?.ConnectionString());
            }

            set.Arguments = ["-c", change is null ? name : set.Copy(change)];
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

    private string Copy(Func<string, string, string> change)
    {
        foreach (var file in Directory.EnumerateFiles(Path.Combine(PlatformRun.Root, "components", Name)))
        {
            File.WriteAllText(Path.Combine(_folder, Path.GetFileName(file)), change(Path.GetFileName(file), File.ReadAllText(file)));
        }

        return _folder;
    }
}
