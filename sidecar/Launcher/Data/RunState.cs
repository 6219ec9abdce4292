using System.Globalization;
using System.Text.Json.Serialization;
using System.Text.Json;
using LocalServers.Processes;

namespace Launcher.Data;

/// <summary>What runs now, as <c>run/state.json</c>: for the other verbs, tests and tools. Rewritten whenever a process starts.</summary>
internal sealed record RunState(int LauncherPid, string? Gateway, IReadOnlyList<RunProcess> Processes)
{
    /// <summary>Path of the template; null for an app of a command line.</summary>
    public string? Template { get; init; }

    /// <summary>Name of the template.</summary>
    public string? Name { get; init; }

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        WriteIndented = true,
    };

    public void Save(DataDirectory data) => PrivateFile.WriteReadable(data.State, JsonSerializer.SerializeToUtf8Bytes(this, Options));

    /// <summary>The state of the run in progress, or null; a file left behind by a killed launcher does not count.</summary>
    public static RunState? Live(DataDirectory data) =>
        Read(data) is { } state && Libc.Exists(state.LauncherPid) && RunLock.Holder(data) == state.LauncherPid.ToString(CultureInfo.InvariantCulture) ? state : null;

    /// <summary>What the file says, or null when there is none.</summary>
    public static RunState? Read(DataDirectory data)
    {
        try
        {
            return JsonSerializer.Deserialize<RunState>(File.ReadAllBytes(data.State), Options);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }
}

/// <summary>One process of the run. <see cref="Name"/> is <c>sidecar</c> or <c>app-id#index</c>.</summary>
internal sealed record RunProcess(
    string Name, string? AppId, int? Index, int? Pid, int? AppPort, int? HttpPort, int? GrpcPort, string Log)
{
    public string? Command { get; init; }

    /// <summary>When it was started last.</summary>
    public DateTimeOffset? Started { get; init; }
}
