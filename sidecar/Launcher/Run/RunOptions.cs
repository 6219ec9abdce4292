namespace Launcher.Run;

/// <summary>Options of <c>daprw run</c>.</summary>
internal sealed record RunOptions
{
    /// <summary>Run template, or a folder with a dapr.yaml.</summary>
    public string File { get; init; } = "dapr.yaml";

    /// <summary>Template fields of the one app of a command line, in place of <see cref="File"/>; null for a template.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>>? App { get; init; }

    /// <summary>What to run as <see cref="App"/>; empty: only its Dapr endpoint runs.</summary>
    public IReadOnlyList<string> Command { get; init; } = [];

    /// <summary>A process that ends takes the run with it, and its exit code is that of the run.</summary>
    public bool EndsWithApp { get; init; }

    /// <summary>Component set that takes the place of components/redis.</summary>
    public string Set { get; init; } = "local";

    /// <summary>Instances per app id; 1 where absent.</summary>
    public IReadOnlyDictionary<string, int> Replicas { get; init; } = new Dictionary<string, int>();

    public int? GatewayPort { get; init; }

    /// <summary>Null: <c>.data</c> beside the template.</summary>
    public string? DataDirectory { get; init; }

    /// <summary>Build configuration of the sidecar and the apps.</summary>
    public string Configuration { get; init; } = "Debug";

    /// <summary>Start private servers that the components need and that do not run.</summary>
    public bool Servers { get; init; }

    public bool Build { get; init; } = true;

    public bool Restart { get; init; } = true;

    /// <summary>Time a process has between TERM and KILL.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a component whose server is not up is tried again: servers may start together with the run.</summary>
    public TimeSpan ServerWait { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the apps may take until the launcher says who is not ready.</summary>
    public TimeSpan ReadyTimeout { get; init; } = TimeSpan.FromSeconds(120);
}
