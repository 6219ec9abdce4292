namespace LocalServers.Processes;

/// <summary>How a server is started in the foreground.</summary>
/// <param name="Command">Program and arguments.</param>
/// <param name="Environment">Added to what this process has.</param>
internal sealed record ServerCommand(IReadOnlyList<string> Command, IReadOnlyDictionary<string, string> Environment)
{
    public ServerCommand(IReadOnlyList<string> command)
        : this(command, new Dictionary<string, string>())
    {
    }
}
