using System.Text.Json;
using Launcher.Data;
using LocalServers;

namespace Launcher.Servers;

/// <summary>
/// The servers of <c>daprw up-servers</c>: data, log and settings of each in <c>servers/NAME</c> of the data directory. They are daemons and
/// know nothing of runs.
/// </summary>
internal sealed class PrivateServers(DataDirectory data)
{
    public static readonly IReadOnlyList<string> Names = ["redis", "rabbitmq", "postgresql"];

    /// <summary>The server with the settings of its first start; they are made now when it never ran.</summary>
    public LocalServer Open(string name)
    {
        var file = SettingsFile(name);
        var settings = File.Exists(file) ? JsonSerializer.Deserialize<ServerSettings>(File.ReadAllBytes(file))! : ServerSettings.New(name);
        var server = Create(name, settings);
        if (!server.TryAttach() && !settings.PortsAreFree)
        {
            // Somebody else has its port by now.
            settings = ServerSettings.New(name) with { Password = settings.Password };
            server = Create(name, settings);
        }

        Directory.CreateDirectory(Folder(name), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        PrivateFile.Write(file, JsonSerializer.SerializeToUtf8Bytes(settings));
        return server;
    }

    /// <summary>The server if it runs, else null.</summary>
    public LocalServer? Running(string name) => Known(name) is { } server && server.TryAttach() ? server : null;

    /// <summary>The server if it was ever started here, else null.</summary>
    public LocalServer? Known(string name) =>
        File.Exists(SettingsFile(name)) ? Create(name, JsonSerializer.Deserialize<ServerSettings>(File.ReadAllBytes(SettingsFile(name)))!) : null;

    /// <summary>Starts what does not run. As root the folders above PostgreSQL's are opened for passing through, since its user has to.</summary>
    public async Task StartAsync(LocalServer server, CancellationToken cancellationToken)
    {
        if (server is PostgresServer && Environment.IsPrivilegedProcess)
        {
            foreach (var folder in (string[])[data.Root, data.Servers])
            {
                File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
            }
        }

        try
        {
            await server.StartDaemonAsync(cancellationToken);
        }
        catch (LocalServerException exception)
        {
            throw new LauncherException(exception.Message);
        }
    }

    /// <summary>Deletes what a stopped server stored, its password included.</summary>
    public void Delete(string name)
    {
        if (Directory.Exists(Folder(name)))
        {
            Directory.Delete(Folder(name), recursive: true);
        }
    }

    private string Folder(string name) => Path.Combine(data.Servers, name);

    private string SettingsFile(string name) => Path.Combine(Folder(name), "server.json");

    private LocalServer Create(string name, ServerSettings settings) => name switch
    {
        // configuration.redis hears of changes by them.
        "redis" => new RedisServer(
            Folder(name), new RedisServerOptions { Port = settings.Port, Password = settings.Password, Arguments = ["--notify-keyspace-events", "KA"] }),
        "rabbitmq" => new RabbitMqServer(
            Folder(name), new RabbitMqServerOptions { Port = settings.Port, ManagementPort = settings.ManagementPort, Password = settings.Password }),
        "postgresql" => new PostgresServer(Folder(name), new PostgresServerOptions { Port = settings.Port, Password = settings.Password }),
        _ => throw new LauncherException($"no server is named '{name}'; there are {string.Join(", ", Names)}", 2),
    };
}
