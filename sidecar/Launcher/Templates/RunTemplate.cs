using Sidecar.Abstractions;

namespace Launcher.Templates;

/// <summary>A multi-app run template (dapr/config §6) with common settings merged into the apps and all paths absolute.</summary>
/// <param name="BaseDirectory">Folder of the file.</param>
/// <param name="LogLevel">Level of the sidecar's own log. One process serves all apps: the most talkative app decides.</param>
/// <param name="SidecarLog">Likewise; <see cref="LogDestination.File"/> when all apps say so.</param>
/// <param name="Apps">In the order of the file.</param>
internal sealed record RunTemplate(string BaseDirectory, string LogLevel, LogDestination SidecarLog, IReadOnlyList<TemplateApp> Apps)
{
    public string? Name { get; init; }

    /// <summary>Null: the app of a command line.</summary>
    public string? File { get; init; }

    /// <summary>Fields that change nothing here, as one line; null when there are none.</summary>
    public string? WithoutEffect { get; init; }

    public static RunTemplate Of(string baseDirectory, IReadOnlyList<TemplateApp> apps, IEnumerable<TemplateSection> sections)
    {
        var ignored = sections.SelectMany(AppReader.WithoutEffect).Select(field => $"{field.Field} ({field.Reason})").Distinct().ToList();
        return new RunTemplate(
            baseDirectory,
            AppReader.MostTalkative(apps.Select(app => app.LogLevel)),
            apps.All(app => app.SidecarLog is LogDestination.File) ? LogDestination.File : LogDestination.FileAndConsole,
            apps)
        {
            WithoutEffect = ignored.Count == 0 ? null : $"without effect in this run: {string.Join(", ", ignored)}",
        };
    }
}

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

    /// <summary>Null: no counters.</summary>
    public int? MetricsPort { get; init; }
    public required IReadOnlyDictionary<string, string> Env { get; init; }

    /// <summary>Empty: the standard components.</summary>
    public required IReadOnlyList<string> ResourcesPaths { get; init; }
    public string? ConfigFilePath { get; init; }

    /// <summary>Folder for sockets of the sidecar; null for none.</summary>
    public string? UnixDomainSocket { get; init; }
    public long MaxBodyBytes { get; init; } = 4 * 1024 * 1024;
    public long ReadBufferBytes { get; init; } = 4 * 1024;
    public int MaxConcurrency { get; init; } = -1;
    public bool ApiLogging { get; init; }
    public AppHealthCheck? Health { get; init; }
    public LogDestination AppLog { get; init; } = LogDestination.FileAndConsole;
    public LogDestination SidecarLog { get; init; } = LogDestination.FileAndConsole;
    public string LogLevel { get; init; } = "info";

    /// <summary>Ids of the apps that must be ready before this one starts.</summary>
    public IReadOnlyList<string> DependsOn { get; init; } = [];
}

/// <summary>Where the lines of a process go. The file is always written; <see cref="File"/> keeps them off the console.</summary>
internal enum LogDestination
{
    FileAndConsole,
    Console,
    File,
}
