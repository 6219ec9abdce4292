using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sidecar.Abstractions;

/// <summary>
/// What one sidecar process hosts: written by the launcher as JSON (mode 0600, it holds the API tokens), read by
/// <c>Sidecar.Host --run FILE</c>. Ports are already chosen and stay the same when the process is restarted.
/// </summary>
public sealed record SidecarRun
{
    /// <summary>Absolute path of the run's data directory; the file store lives in <c>store/</c> below it.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>Absolute path that relative paths in component metadata are relative to: the folder of dapr.yaml.</summary>
    public required string BaseDirectory { get; init; }

    /// <summary>Minimum level of the sidecar's own log: debug, info, warn, error, fatal.</summary>
    public string LogLevel { get; init; } = "info";

    /// <summary>
    /// How long a component whose server is not up is tried again, when that is longer than its <c>initTimeout</c>: servers may start together
    /// with the run. A component with <c>ignoreErrors</c> is not waited for. Zero: <c>initTimeout</c> alone counts.
    /// </summary>
    public TimeSpan ServerWait { get; init; }

    /// <summary>One entry per app instance.</summary>
    public required IReadOnlyList<SidecarInstance> Instances { get; init; }

    /// <summary>How the launcher calls the sidecar's own process; an app instance is <c>{app id}#{index}</c>.</summary>
    public const string ProcessName = "sidecar";

    /// <summary>
    /// Asks the launcher to end a process of the run and not to start it again: a file that it looks for, <c>run/stop-{name}</c> in the data
    /// directory. Without a launcher there is no such folder and nobody to ask.
    /// </summary>
    public static void RequestStop(string dataDirectory, string process)
    {
        var folder = Path.Combine(dataDirectory, "run");
        if (Directory.Exists(folder))
        {
            File.WriteAllText(Path.Combine(folder, $"stop-{process}"), "");
        }
    }

    /// <summary>JSON form of the run file: snake_case.</summary>
    public static readonly JsonSerializerOptions JsonOptions = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        WriteIndented = true,
    };
}

/// <summary>The Dapr endpoint of one app instance.</summary>
public sealed record SidecarInstance
{
    /// <summary>App id, e.g. <c>scan-worker</c>.</summary>
    public required string AppId { get; init; }

    /// <summary>0-based replica number.</summary>
    public int Index { get; init; }

    /// <summary>Port of the app on 127.0.0.1; null for an app without a server.</summary>
    public int? AppPort { get; init; }

    /// <summary>Dapr HTTP API port on 127.0.0.1.</summary>
    public required int HttpPort { get; init; }

    /// <summary>Dapr gRPC API port (HTTP/2, cleartext) on 127.0.0.1.</summary>
    public required int GrpcPort { get; init; }

    /// <summary>Port on 127.0.0.1 that tells the counters of this endpoint; null for none, which counts nothing.</summary>
    public int? MetricsPort { get; init; }

    /// <summary>Folder for sockets in the file system, beside the ports; null for none.</summary>
    public string? UnixDomainSocket { get; init; }

    /// <summary>Token the app must send (<c>dapr-api-token</c>); null switches the check off.</summary>
    public string? ApiToken { get; init; }

    /// <summary>Token the sidecar sends to the app (<c>dapr-api-token</c>); null sends none.</summary>
    public string? AppToken { get; init; }

    /// <summary>Folders whose YAML files are loaded: components, subscriptions, resiliency.</summary>
    public required IReadOnlyList<string> ResourcesPaths { get; init; }

    /// <summary>Path of a Configuration resource, or null.</summary>
    public string? ConfigFilePath { get; init; }

    /// <summary>Largest request body, bytes. Default 4 MiB.</summary>
    public long MaxBodyBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Largest head of a request, bytes. Default 4 KiB; what one of the instances needs is allowed to all.</summary>
    public long ReadBufferBytes { get; init; } = 4 * 1024;

    /// <summary>Whether every API call is logged, with method and path, never with a body.</summary>
    public bool ApiLogging { get; init; }

    /// <summary>Most parallel calls to the app, -1 unlimited.</summary>
    public int AppMaxConcurrency { get; init; } = -1;

    /// <summary>Health probes of the app, or null for none.</summary>
    public AppHealthCheck? AppHealth { get; init; }
}

/// <summary>App health probes (dapr-http §14).</summary>
/// <param name="Path">Probed path, default <c>/healthz</c>.</param>
/// <param name="IntervalSeconds">Default 5.</param>
/// <param name="TimeoutMilliseconds">Default 500.</param>
/// <param name="Threshold">Consecutive failures until unhealthy, default 3.</param>
public sealed record AppHealthCheck(string Path = "/healthz", int IntervalSeconds = 5, int TimeoutMilliseconds = 500, int Threshold = 3);
