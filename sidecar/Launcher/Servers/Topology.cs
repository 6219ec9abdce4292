using LocalServers;

namespace Launcher.Servers;

/// <summary>
/// <c>topology.json</c> of a component set: the exchanges, queues and bindings that must exist before the first message is published, as a
/// definitions file of RabbitMQ. Operators import the same file.
/// </summary>
internal static class Topology
{
    private const string FileName = "topology.json";

    public static async Task ImportAsync(RabbitMqServer server, IEnumerable<string> folders, CancellationToken cancellationToken)
    {
        foreach (var file in folders.Select(folder => Path.Combine(folder, FileName)).Where(File.Exists))
        {
            await server.ImportAsync(await File.ReadAllTextAsync(file, cancellationToken), cancellationToken: cancellationToken);
        }
    }
}
