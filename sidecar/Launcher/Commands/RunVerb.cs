using System.CommandLine;
using System.Globalization;
using Launcher.Run;

namespace Launcher.Commands;

/// <summary>The options of <c>daprw run</c>: those of a run, and those of <c>dapr run</c> that describe the one app of a command line.</summary>
internal static class RunVerb
{
    private static readonly Option<string> Set = new("--components", "-c") { Description = "Component set below components/", DefaultValueFactory = _ => "local" };
    private static readonly Option<string[]> Replicas = new("--replicas") { Description = "APP=N: number of instances of an app (may be repeated)" };
    private static readonly Option<int?> GatewayPort = new("--gateway-port") { Description = "Port of the app named gateway" };
    private static readonly Option<bool> Servers = new("--servers") { Description = "Start the private servers the components need, as up-servers does" };
    private static readonly Option<bool> NoBuild = new("--no-build") { Description = "Start what the last run built" };
    private static readonly Option<string> Configuration = new("--configuration") { Description = "Debug, or Release for measurements", DefaultValueFactory = _ => "Debug" };
    private static readonly Option<bool> NoRestart = new("--no-restart") { Description = "Stop everything when a process ends" };
    private static readonly Option<int> ServerWait = new("--server-wait") { Description = "Seconds for which components wait for a server that is not up", DefaultValueFactory = _ => 30 };
    private static readonly Option<int> ReadyTimeout = new("--ready-timeout") { Description = "Seconds until the launcher says who is not ready", DefaultValueFactory = _ => 120 };
    private static readonly Option<int> StopTimeout = new("--stop-timeout") { Description = "Seconds a process has to end in order before it is killed", DefaultValueFactory = _ => 10 };
    private static readonly Argument<string[]> AppCommand = new("command") { Description = "After --: the command of one app, without a template", Arity = ArgumentArity.ZeroOrMore };

    /// <summary>The flags of <c>dapr run</c> about one app, by the template field they stand for.</summary>
    private static readonly IReadOnlyDictionary<string, Option> AppFlags = new Dictionary<string, Option>
    {
        ["appID"] = Text("Id of the one app (default: the folder's name)", "--app-id", "-a"),
        ["appPort"] = Text("Port it listens on", "--app-port", "-p"),
        ["appProtocol"] = Text("http", "--app-protocol", "-P"),
        ["appChannelAddress"] = Text("127.0.0.1", "--app-channel-address"),
        ["daprHTTPPort"] = Text("Dapr HTTP port (default: a free one)", "--dapr-http-port", "-H"),
        ["daprGRPCPort"] = Text("Dapr gRPC port (default: a free one)", "--dapr-grpc-port", "-G"),
        ["resourcesPaths"] = new Option<string[]>("--resources-path", "--components-path", "-d") { Description = "Folder of component files (may be repeated; default: a state store and a pub/sub)" },
        ["configFilePath"] = Text("Configuration resource", "--config"),
        ["appMaxConcurrency"] = Text("Most parallel calls to the app", "--app-max-concurrency"),
        ["maxBodySize"] = Text("Largest body of a request, such as 4Mi", "--max-body-size"),
        ["readBufferSize"] = Text("Largest head of a request, such as 4Ki", "--read-buffer-size"),
        ["enableAppHealthCheck"] = Flag("Ask the app for its health", "--enable-app-health-check"),
        ["appHealthCheckPath"] = Text("Path of the health check", "--app-health-check-path"),
        ["appHealthProbeInterval"] = Text("Seconds between health checks", "--app-health-probe-interval"),
        ["appHealthProbeTimeout"] = Text("Milliseconds a health check may take", "--app-health-probe-timeout"),
        ["appHealthThreshold"] = Text("Failed checks in a row that make the app unhealthy", "--app-health-threshold"),
        ["enableApiLogging"] = Flag("Log every API call", "--enable-api-logging"),
        ["logLevel"] = Text("debug, info, warn, error or fatal", "--log-level"),
        ["unixDomainSocket"] = Text("Folder for sockets of the sidecar, beside its ports", "--unix-domain-socket", "-u"),
        ["apiListenAddresses"] = Text("Without effect: 127.0.0.1", "--dapr-listen-addresses"),
        ["placementHostAddress"] = Text("Without effect", "--placement-host-address"),
        ["schedulerHostAddress"] = Text("Without effect", "--scheduler-host-address"),
        ["daprInternalGRPCPort"] = Text("Without effect", "--dapr-internal-grpc-port", "-I"),
        ["metricsPort"] = Text("Port of the sidecar's counters, GET /metrics (default: none)", "--metrics-port", "-M"),
        ["profilePort"] = Text("Without effect", "--profile-port"),
        ["enableProfiling"] = Flag("Without effect", "--enable-profiling"),
        ["runtimePath"] = Text("Without effect", "--runtime-path"),
    };

    public static Command Create(Option<string> file, Option<string?> dataDir)
    {
        Configuration.AcceptOnlyFromAmong("Debug", "Release");
        var command = new Command("run", "Build and start everything, or one app whose command follows --; Ctrl-C stops it, a second Ctrl-C kills")
        {
            file, Set, Servers, Replicas, GatewayPort, Configuration, NoBuild, NoRestart, ServerWait, ReadyTimeout, StopTimeout, AppCommand,
        };
        foreach (var flag in AppFlags.Values)
        {
            command.Add(flag);
        }

        command.SetAction((parsed, _) => RunCommand.ExecuteAsync(Read(parsed, parsed.GetResult(file)?.Implicit is false, parsed.GetRequiredValue(file), parsed.GetValue(dataDir))));
        return command;
    }

    private static RunOptions Read(ParseResult parsed, bool hasFile, string file, string? dataDirectory)
    {
        var fields = AppFlags.Where(flag => parsed.GetResult(flag.Value) is { Implicit: false }).ToDictionary(flag => flag.Key, flag => Values(parsed, flag.Value));
        var command = parsed.GetValue(AppCommand) ?? [];
        if (command is [['-', ..] unknown, ..])
        {
            throw new LauncherException($"Unrecognized command or argument '{unknown}'. See './daprw run --help'.", 2);
        }

        var isOneApp = command.Length > 0 || fields.ContainsKey("appID");
        if (isOneApp && hasFile)
        {
            throw new LauncherException("a run has a template (-f) or one app (--app-id and a command after --), not both", 2);
        }

        if (!isOneApp && fields.Count > 0)
        {
            throw new LauncherException($"{AppFlags[fields.Keys.First()].Name} describes one app: give its --app-id or its command after --", 2);
        }

        return new RunOptions
        {
            File = file,
            App = isOneApp ? fields : null,
            Command = command,
            EndsWithApp = isOneApp,
            DataDirectory = dataDirectory,
            Set = parsed.GetRequiredValue(Set),
            Replicas = ReadReplicas(parsed.GetValue(Replicas) ?? []),
            GatewayPort = parsed.GetValue(GatewayPort),
            Configuration = parsed.GetRequiredValue(Configuration),
            Servers = parsed.GetValue(Servers),
            Build = !parsed.GetValue(NoBuild),
            Restart = !parsed.GetValue(NoRestart),
            ServerWait = TimeSpan.FromSeconds(parsed.GetValue(ServerWait)),
            ReadyTimeout = TimeSpan.FromSeconds(parsed.GetValue(ReadyTimeout)),
            StopTimeout = TimeSpan.FromSeconds(parsed.GetValue(StopTimeout)),
        };
    }

    private static IReadOnlyList<string> Values(ParseResult parsed, Option option) => option switch
    {
        Option<string[]> many => parsed.GetValue(many) ?? [],
        Option<bool> flag => [parsed.GetValue(flag) ? "true" : "false"],
        _ => [parsed.GetValue((Option<string?>)option) ?? ""],
    };

    private static Option<string?> Text(string description, string name, params string[] aliases) => new(name, aliases) { Description = description };

    private static Option<bool> Flag(string description, string name) => new(name) { Description = description };

    private static Dictionary<string, int> ReadReplicas(string[] texts)
    {
        var replicas = new Dictionary<string, int>();
        foreach (var text in texts)
        {
            replicas[text.Split('=')[0]] =
                text.Split('=') is [_, var count] && int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 1 and <= 100
                    ? number
                    : throw new LauncherException($"--replicas {text}: expected APP=N with N from 1 to 100", 2);
        }

        return replicas;
    }
}
