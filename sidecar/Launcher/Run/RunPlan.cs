using System.Globalization;
using System.Security.Cryptography;
using Launcher.Data;
using Launcher.Templates;
using Sidecar.Abstractions;

namespace Launcher.Run;

/// <summary>One instance of an app with its ports and tokens.</summary>
internal sealed record PlannedInstance(TemplateApp App, int Index, int? AppPort, int HttpPort, int GrpcPort, string ApiToken, string AppToken)
{
    /// <summary>Null: the template asks for none.</summary>
    public int? MetricsPort { get; init; }

    public string Name => string.Create(CultureInfo.InvariantCulture, $"{App.AppId}#{Index}");
}

/// <summary>All instances of a run; made once, before anything starts.</summary>
internal sealed class RunPlan
{
    private const string GatewayId = "gateway";
    private const string SpinLimit = "DOTNET_ThreadPool_UnfairSemaphoreSpinLimit";

    private readonly Dictionary<string, string?> _environment = [];
    private readonly Dictionary<string, string?> _places = [];

    public required IReadOnlyList<PlannedInstance> Instances { get; init; }

    public LogDestination SidecarLog { get; init; }

    /// <summary>Path and name of the template; null for an app of a command line.</summary>
    public string? Template { get; init; }

    public string? Name { get; init; }

    /// <summary>Address of the app named gateway, or null.</summary>
    public string? Gateway => Instances.FirstOrDefault(instance => instance.App.AppId == GatewayId)?.AppPort is { } port
        ? string.Create(CultureInfo.InvariantCulture, $"http://localhost:{port}")
        : null;

    public static RunPlan Make(RunTemplate template, RunOptions options, DataDirectory data, Ports ports, Action<string> say)
    {
        foreach (var id in options.Replicas.Keys.Where(id => template.Apps.All(app => app.AppId != id)))
        {
            throw new LauncherException($"--replicas: no app '{id}' in the template; it has {string.Join(", ", template.Apps.Select(app => app.AppId))}");
        }

        if (options.GatewayPort is not null && template.Apps.All(app => app.AppId != GatewayId))
        {
            throw new LauncherException("--gateway-port: the template has no app named gateway");
        }

        var appToken = Token();
        var slots = template.Apps.SelectMany(app => Enumerable.Range(0, options.Replicas.GetValueOrDefault(app.AppId, 1)).Select(index => (app, index))).ToList();

        // Wished ports first, so that no free choice takes one of them.
        var wished = slots.Select(slot => slot.index > 0 ? default : (
            App: Wish(slot.app, options, ports, say),
            Http: Wish(slot.app, "Dapr HTTP", slot.app.HttpPort, ports, say),
            Grpc: Wish(slot.app, "Dapr gRPC", slot.app.GrpcPort, ports, say),
            Metrics: Wish(slot.app, "metrics", slot.app.MetricsPort, ports, say))).ToList();
        var instances = slots.Zip(wished, (slot, wish) => new PlannedInstance(
            slot.app,
            slot.index,
            slot.app.AppPort is null ? null : wish.App ?? ports.TakeFree(),
            wish.Http ?? ports.TakeFree(),
            wish.Grpc ?? ports.TakeFree(),
            Given(slot.app, "DAPR_API_TOKEN") ?? Token(),
            Given(slot.app, "APP_API_TOKEN") ?? appToken)
        {
            MetricsPort = slot.app.MetricsPort is null ? null : wish.Metrics ?? ports.TakeFree(),
        }).ToList();
        var plan = new RunPlan { Instances = instances, SidecarLog = template.SidecarLog, Template = template.File, Name = template.Name };
        plan.FillEnvironment(data);
        return plan;
    }

    /// <summary>What the sidecar process reads.</summary>
    public SidecarRun ToSidecarRun(RunTemplate template, DataDirectory data, Func<IReadOnlyList<string>, IReadOnlyList<string>> resources) => new()
    {
        DataDirectory = data.Root,
        BaseDirectory = template.BaseDirectory,
        LogLevel = template.LogLevel,
        Instances =
        [
            .. Instances.Select(instance => new SidecarInstance
            {
                AppId = instance.App.AppId,
                Index = instance.Index,
                AppPort = instance.AppPort,
                HttpPort = instance.HttpPort,
                GrpcPort = instance.GrpcPort,
                MetricsPort = instance.MetricsPort,
                ApiToken = instance.ApiToken,
                AppToken = instance.AppToken,
                ResourcesPaths = resources(instance.App.ResourcesPaths),
                ConfigFilePath = instance.App.ConfigFilePath,
                UnixDomainSocket = instance.App.UnixDomainSocket,
                MaxBodyBytes = instance.App.MaxBodyBytes,
                ReadBufferBytes = instance.App.ReadBufferBytes,
                ApiLogging = instance.App.ApiLogging,
                AppMaxConcurrency = instance.App.MaxConcurrency,
                AppHealth = instance.App.Health,
            }),
        ],
    };

    /// <summary>
    /// Environment of an app (dapr/http §15). dapr.yaml has the last word, except about where things of this run are: what it says
    /// there is for the dapr CLI.
    /// </summary>
    public IReadOnlyDictionary<string, string?> EnvironmentOf(PlannedInstance instance)
    {
        var env = new Dictionary<string, string?>(_environment)
        {
            ["APP_ID"] = instance.App.AppId,
            ["APP_PROTOCOL"] = "http",
            // In an SDK these would win over the ports.
            ["DAPR_HTTP_ENDPOINT"] = null,
            ["DAPR_GRPC_ENDPOINT"] = null,
            ["DAPR_HTTP_PORT"] = Text(instance.HttpPort),
            ["DAPR_GRPC_PORT"] = Text(instance.GrpcPort),
            ["DAPR_METRICS_PORT"] = instance.MetricsPort is { } metrics ? Text(metrics) : null,
            ["DAPR_API_TOKEN"] = instance.ApiToken,
            ["APP_API_TOKEN"] = instance.AppToken,
            ["OTEL_SERVICE_NAME"] = instance.App.AppId,
        };
        if (instance.AppPort is { } port)
        {
            env["APP_PORT"] = Text(port);
        }

        foreach (var (name, value) in instance.App.Env)
        {
            env[name] = value;
        }

        foreach (var (name, value) in _places)
        {
            env[name] = value;
        }

        return env;
    }

    /// <summary>
    /// Environment of every process of the run. Loopback never goes through a proxy; whatever proxy there is stays for the rest.
    /// Idle thread pool threads sleep at once: with more processes than cores, the default of spinning first takes the time of
    /// those that have work (measured on 2 cores: 2.5 times the appends to job logs, a quarter of the latency).
    /// </summary>
    /// <param name="more">Of this process.</param>
    public static Dictionary<string, string?> CommonEnvironment(IReadOnlyDictionary<string, string?>? more = null)
    {
        var present = Environment.GetEnvironmentVariable("NO_PROXY") ?? Environment.GetEnvironmentVariable("no_proxy") ?? "";
        var hosts = present.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Union(["127.0.0.1", "localhost"]);
        var value = string.Join(',', hosts);
        return new Dictionary<string, string?>(more ?? new Dictionary<string, string?>())
        {
            ["NO_PROXY"] = value,
            ["no_proxy"] = value,
            [SpinLimit] = Environment.GetEnvironmentVariable(SpinLimit) ?? "0",
        };
    }

    private void FillEnvironment(DataDirectory data)
    {
        foreach (var (name, value) in CommonEnvironment())
        {
            _environment[name] = value;
        }

        // The names .NET service discovery reads.
        foreach (var instance in Instances.Where(instance => instance.AppPort is not null))
        {
            _places[string.Create(CultureInfo.InvariantCulture, $"services__{instance.App.AppId.Replace('-', '_')}__http__{instance.Index}")] =
                string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{instance.AppPort}");
        }

        _places["Images__ObjectsPath"] = data.Objects;
        if (Gateway is { } gateway)
        {
            _environment["PUBLIC_BASE_URL"] = gateway;
            _environment["Images__PublicBaseUrl"] = gateway;
        }
    }

    /// <summary>The port people type into a browser is not moved silently; every other one is.</summary>
    private static int? Wish(TemplateApp app, RunOptions options, Ports ports, Action<string> say)
    {
        if (app.Command.Count == 0)
        {
            // Somebody else starts this app and may have done so already.
            return app.AppPort;
        }

        if (app.AppId != GatewayId || (options.GatewayPort ?? app.AppPort) is not { } port)
        {
            return Wish(app, "app", app.AppPort, ports, say);
        }

        return ports.TryTake(port) ? port : throw new LauncherException(
            $"port {port} of the gateway is taken by {PortHolder.Describe(port) ?? "another process"}: stop it or choose another one with --gateway-port");
    }

    private static int? Wish(TemplateApp app, string what, int? port, Ports ports, Action<string> say)
    {
        if (port is not { } wish || ports.TryTake(wish))
        {
            return port;
        }

        var other = ports.TakeFree();
        say($"{what} port {wish} of {app.AppId} is taken{(PortHolder.Describe(wish) is { } holder ? $" by {holder}" : "")}: using {other}");
        return other;
    }

    /// <summary>A token that the template gives, for clients of its own that need to know it.</summary>
    private static string? Given(TemplateApp app, string variable) => app.Env.GetValueOrDefault(variable) is { Length: > 0 } token ? token : null;

    private static string Token() => RandomNumberGenerator.GetHexString(64, lowercase: true);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
