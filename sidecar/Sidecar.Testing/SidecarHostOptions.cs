using Sidecar.Abstractions;
using Sidecar.Api;

namespace Sidecar.Testing;

/// <summary>What a <see cref="SidecarHost"/> starts with. All of it is optional.</summary>
public sealed class SidecarHostOptions
{
    /// <summary>Environment variable that sets the seed of every host, to repeat a run that failed.</summary>
    public const string SeedVariable = "SIDECAR_TEST_SEED";

    private readonly List<string> _resources = [];
    private readonly List<string> _yaml = [];

    /// <summary>App id of the test itself, for which the host has an endpoint of its own. Default <c>test</c>.</summary>
    public string AppId { get; set; } = "test";

    /// <summary>
    /// Whether there are the default components: <c>statestore</c> (also for actors and workflows), <c>pubsub</c>, <c>lock</c>,
    /// <c>configuration</c> and <c>secrets</c>, all in memory. One that is also given as YAML is replaced by it. Default: true, unless
    /// <see cref="UseResources"/> names a folder.
    /// </summary>
    public bool? DefaultComponents { get; set; }

    /// <summary>Path of a Configuration resource for every app, or null.</summary>
    public string? ConfigurationFile { get; set; }

    /// <summary>
    /// Folder that relative paths in the metadata of components are relative to. Default: with <see cref="UseResources"/> the current
    /// directory, else a folder of the host that goes with it.
    /// </summary>
    public string? BaseDirectory { get; set; }

    /// <summary>Secrets of the default secret store; more can be added while the host runs.</summary>
    public IDictionary<string, string> Secrets { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Items of the default configuration store; they can be changed while the host runs.</summary>
    public IDictionary<string, string> Configuration { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>
    /// Whether the sidecar runs by real time. Default false: its clock stands still until the test moves it. Retries, redeliveries, timers,
    /// TTLs and timeouts of policies follow that clock; what is about the machine (connections, the drain of a stop) is always real.
    /// </summary>
    public bool RealTime { get; set; }

    /// <summary>Time at which the virtual clock starts. Default 2026-01-01T00:00Z.</summary>
    public DateTimeOffset? StartTime { get; set; }

    /// <summary>Seed of all chance in faults. Default: the variable <see cref="SeedVariable"/>, else a new one. It is in the message of every wait that fails.</summary>
    public int? Seed { get; set; }

    /// <summary>Whether sidecar and apps ask each other for tokens, as they do in production. Default true.</summary>
    public bool UseTokens { get; set; } = true;

    /// <summary>Gets each line of log as it is written, such as <c>ITestOutputHelper.WriteLine</c>, and the seed.</summary>
    public Action<string>? WriteLine { get; set; }

    /// <summary>How long the host's waits wait, in real time, where a call does not say. Default 30 s.</summary>
    public TimeSpan Patience { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Least level of the sidecar's log: debug, info, warn, error, fatal. Default info.</summary>
    public string LogLevel { get; set; } = "info";

    /// <summary>Adds component types of the test to those of the sidecar.</summary>
    public Action<ComponentRegistry> ComponentTypes { get; set; } = static _ => { };

    /// <summary>Last word on the options of the sidecar itself.</summary>
    public Action<SidecarServerOptions> Sidecar { get; set; } = static _ => { };

    internal IReadOnlyList<string> Resources => _resources;

    internal IReadOnlyList<string> Yaml => _yaml;

    /// <summary>Loads the YAML files of a folder: components, subscriptions, resiliency.</summary>
    public SidecarHostOptions UseResources(string folder)
    {
        _resources.Add(Path.GetFullPath(folder));
        return this;
    }

    /// <summary>Adds resources as YAML text, one or several documents.</summary>
    public SidecarHostOptions AddYaml(string yaml)
    {
        _yaml.Add(yaml);
        return this;
    }

    /// <summary>Adds a component.</summary>
    public SidecarHostOptions AddComponent(string name, string type, params (string Name, string Value)[] metadata) =>
        AddYaml(ComponentYaml.Of(name, type, metadata));
}
