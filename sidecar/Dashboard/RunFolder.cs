using System.Text.Json;
using Sidecar.Abstractions;

namespace Dashboard;

/// <summary>What the launcher writes below the data directory: who runs, with which ports and tokens, and the logs.</summary>
internal sealed class RunFolder(string root)
{
    private static readonly JsonSerializerOptions StateOptions = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public string Root { get; } = Path.GetFullPath(root);

    public string Logs => Path.Combine(Root, "logs");

    /// <summary>The processes of the run in progress; empty when there is none.</summary>
    public IReadOnlyList<RunProcess> Processes() => Read<RunState>("state.json", StateOptions)?.Processes ?? [];

    /// <summary>The sidecars of the run; the last one's when none is in progress.</summary>
    public IReadOnlyList<SidecarInstance> Instances() => Read<SidecarRun>("sidecar.json", SidecarRun.JsonOptions)?.Instances ?? [];

    private T? Read<T>(string name, JsonSerializerOptions options)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize<T>(File.ReadAllBytes(Path.Combine(Root, "run", name)), options);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    private sealed record RunState(IReadOnlyList<RunProcess> Processes);
}

/// <summary>One process of the run, as <c>run/state.json</c> has it.</summary>
/// <param name="Name"><c>sidecar</c> or <c>app-id#index</c>.</param>
/// <param name="AppId">Null for the sidecar.</param>
/// <param name="Index">0-based replica.</param>
/// <param name="Pid">Null while it is not there.</param>
/// <param name="AppPort">Port of the app.</param>
/// <param name="HttpPort">Dapr HTTP port.</param>
/// <param name="GrpcPort">Dapr gRPC port.</param>
/// <param name="Log">Path of its log file.</param>
internal sealed record RunProcess(string Name, string? AppId, int? Index, int? Pid, int? AppPort, int? HttpPort, int? GrpcPort, string Log);
