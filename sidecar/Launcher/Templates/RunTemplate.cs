using Sidecar.Abstractions;

namespace Launcher.Templates;

/// <summary>A multi-app run template (dapr/config §6) with common settings merged into the apps and all paths absolute.</summary>
/// <param name="BaseDirectory">Folder of the file.</param>
/// <param name="LogLevel">Level of the sidecar's own log. One process serves all apps: the most talkative app decides.</param>
/// <param name="SidecarLog">Likewise; <see cref="LogDestination.File"/> when all apps say so.</param>
/// <param name="Apps">In the order of the file.</param>
internal sealed record RunTemplate(string BaseDirectory, string LogLevel, LogDestination SidecarLog, IReadOnlyList<TemplateApp> Apps);

/// <summary>One app of the template.</summary>
internal sealed record TemplateApp
{
    public required string AppId { get; init; }

    /// <summary>Working directory.</summary>
    public required string Directory { get; init; }

    /// <summary>Empty: only the Dapr endpoint runs.</summary>
    public required IReadOnlyList<string> Command { get; init; }

    /// <summary>Null: an app without a server.</summary>
    public int? AppPort { get; init; }
    public int? HttpPort { get; init; }
    public int? GrpcPort { get; init; }
    public required IReadOnlyDictionary<string, string> Env { get; init; }
    public required IReadOnlyList<string> ResourcesPaths { get; init; }
    public string? ConfigFilePath { get; init; }
    public long MaxBodyBytes { get; init; } = 4 * 1024 * 1024;
    public int MaxConcurrency { get; init; } = -1;
    public AppHealthCheck? Health { get; init; }
    public LogDestination AppLog { get; init; } = LogDestination.FileAndConsole;
}

/// <summary>Where the lines of a process go. The file is always written; <see cref="File"/> keeps them off the console.</summary>
internal enum LogDestination
{
    FileAndConsole,
    Console,
    File,
}
