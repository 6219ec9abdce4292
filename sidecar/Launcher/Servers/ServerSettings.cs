using LocalServers;

namespace Launcher.Servers;

/// <summary>What stays the same over starts of a private server; the file is for its owner alone.</summary>
/// <param name="Port">The usual one of this kind of server if it is free when the server is made, else any.</param>
/// <param name="ManagementPort">RabbitMQ only.</param>
/// <param name="Password">Made with the data.</param>
internal sealed record ServerSettings(int Port, int ManagementPort, string Password)
{
    public bool PortsAreFree => FreePort.IsFree(Port) && (ManagementPort == 0 || FreePort.IsFree(ManagementPort));

    public static ServerSettings New(string name) => name switch
    {
        "rabbitmq" => new ServerSettings(Usual(5672), Usual(15672), LocalServers.Password.New()),
        "postgresql" => new ServerSettings(Usual(5432), 0, LocalServers.Password.New()),
        _ => new ServerSettings(Usual(6379), 0, LocalServers.Password.New()),
    };

    private static int Usual(int port) => FreePort.IsFree(port) ? port : FreePort.Next();
}
