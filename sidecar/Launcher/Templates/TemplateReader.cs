using Sidecar.Abstractions;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Launcher.Templates;

/// <summary>Reads dapr.yaml (dapr/config §6). A field that is unknown or that this launcher cannot honour is an error that names it.</summary>
internal static class TemplateReader
{
    /// <summary>Most talkative first.</summary>
    private static readonly string[] LogLevels = ["debug", "info", "warn", "error", "fatal"];

    private static readonly HashSet<string> Roots = ["version", "name", "common", "apps"];

    /// <summary>Fields of common and of an app.</summary>
    private static readonly HashSet<string> Shared =
    [
        "env", "resourcesPaths", "resourcesPath", "configFilePath", "appProtocol", "apiListenAddresses", "enableProfiling", "logLevel",
        "appMaxConcurrency", "placementHostAddress", "schedulerHostAddress", "appSSL", "maxBodySize", "readBufferSize",
        "enableAppHealthCheck", "appHealthCheckPath", "appHealthProbeInterval", "appHealthProbeTimeout", "appHealthThreshold",
        "enableApiLogging", "runtimePath", "daprdLogDestination", "appLogDestination",
    ];

    private static readonly HashSet<string> PerApp =
    [
        .. Shared, "appDirPath", "appID", "command", "appPort", "daprHTTPPort", "daprGRPCPort", "daprInternalGRPCPort", "profilePort",
        "metricsPort", "appChannelAddress", "unixDomainSocket", "containerImage", "containerImagePullPolicy", "createService",
    ];

    /// <param name="path">The file, or a folder with a dapr.yaml.</param>
    /// <param name="set">Component set that takes the place of <c>components/redis</c>.</param>
    public static RunTemplate Read(string path, string set)
    {
        var file = Path.GetFullPath(Directory.Exists(path) ? Path.Combine(path, "dapr.yaml") : path);
        var folder = Path.GetDirectoryName(file)!;
        var root = new TemplateSection(file, Load(file), Roots);
        if (root.Text("version") is not "1")
        {
            throw root.Error(root["version"] ?? root.Node, "'version' must be 1");
        }

        var common = new TemplateSection(file, root["common"] ?? new YamlMappingNode(), Shared);
        if (root["apps"] is not YamlSequenceNode { Children.Count: > 0 } list)
        {
            throw root.Error(root["apps"] ?? root.Node, "'apps' must list at least one app");
        }

        RefuseUnsupported(common);
        var apps = new List<TemplateApp>();
        var logLevels = new List<string>();
        var sidecarLogs = new List<LogDestination>();
        foreach (var node in list.Children)
        {
            var section = new TemplateSection(file, node, PerApp);
            var app = ReadApp(folder, set, common, section);
            if (apps.Any(other => other.AppId == app.AppId))
            {
                throw section.Error(node, $"app '{app.AppId}' is listed twice");
            }

            apps.Add(app);
            logLevels.Add(LogLevel(section) ?? LogLevel(common) ?? "info");
            sidecarLogs.Add(Destination(section, "daprdLogDestination") ?? Destination(common, "daprdLogDestination") ?? LogDestination.FileAndConsole);
        }

        return new RunTemplate(
            folder,
            logLevels.MinBy(level => Array.IndexOf(LogLevels, level))!,
            sidecarLogs.TrueForAll(log => log is LogDestination.File) ? LogDestination.File : LogDestination.FileAndConsole,
            apps);
    }

    private static YamlNode Load(string file)
    {
        try
        {
            using var reader = File.OpenText(file);
            var stream = new YamlStream();
            stream.Load(reader);
            return stream.Documents.Count == 1 ? stream.Documents[0].RootNode : throw new LauncherException($"{file}: expected one YAML document");
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new LauncherException($"{file} does not exist: give the run template with -f");
        }
        catch (YamlException exception)
        {
            throw new LauncherException($"{file}:{exception.Start.Line}: {exception.Message.ReplaceLineEndings(" ")}");
        }
    }

    private static TemplateApp ReadApp(string folder, string set, TemplateSection common, TemplateSection app)
    {
        var directory = Path.GetFullPath(Home(app.Text("appDirPath") ?? throw app.Error(app.Node, "'appDirPath' is missing")), folder);
        if (!Directory.Exists(directory))
        {
            throw app.Error(app["appDirPath"]!, $"folder {directory} does not exist");
        }

        RefuseUnsupported(app);
        var env = new Dictionary<string, string>(common.Map("env"));
        foreach (var (name, value) in app.Map("env"))
        {
            env[name] = value;
        }

        return new TemplateApp
        {
            AppId = app.Text("appID") ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(directory)),
            Directory = directory,
            Command = app.Texts("command") ?? [],
            AppPort = app.Port("appPort"),
            HttpPort = app.Port("daprHTTPPort"),
            GrpcPort = app.Port("daprGRPCPort"),
            Env = env,
            ResourcesPaths = Resources(folder, directory, set, common, app),
            ConfigFilePath = ConfigFile(folder, directory, common, app),
            MaxBodyBytes = app.Bytes("maxBodySize") ?? common.Bytes("maxBodySize") ?? 4 * 1024 * 1024,
            MaxConcurrency = app.Number("appMaxConcurrency") ?? common.Number("appMaxConcurrency") ?? -1,
            Health = Health(common, app),
            AppLog = Destination(app, "appLogDestination") ?? Destination(common, "appLogDestination") ?? LogDestination.FileAndConsole,
        };
    }

    /// <summary>What would change how app and sidecar talk and is not there. Other fields of daprd (ports and hosts of its own services) have no meaning here.</summary>
    private static void RefuseUnsupported(TemplateSection section)
    {
        Only("appProtocol", "http");
        Only("appChannelAddress", "127.0.0.1", "localhost");
        Only("appSSL", "false");
        Only("unixDomainSocket");

        void Only(string field, params string[] values)
        {
            if (section.Text(field) is { } value && !values.Contains(value))
            {
                throw section.Error(section[field]!, values.Length == 0 ? $"'{field}' is not supported" : $"'{field}' can only be {values[0]} here");
            }
        }
    }

    /// <summary>The app's own list, else <c>.dapr/resources</c> of the app, else the common list.</summary>
    private static List<string> Resources(string folder, string directory, string set, TemplateSection common, TemplateSection app)
    {
        var conventional = Path.Combine(directory, ".dapr", "resources");
        var (origin, paths) =
            List(app) is { } own ? (directory, own)
            : Directory.Exists(conventional) ? (directory, [conventional])
            : (folder, List(common) ?? []);
        return [.. paths.Select(path => Resource(Path.GetFullPath(Home(path), origin), set))];

        static IReadOnlyList<string>? List(TemplateSection section) =>
            section.Texts("resourcesPaths") ?? (section.Text("resourcesPath") is { } one ? [one] : null);
    }

    private static string Resource(string path, string set)
    {
        var parent = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(path));
        if (Path.GetFileName(Path.TrimEndingDirectorySeparator(path)) == "redis" && Path.GetFileName(parent) == "components")
        {
            path = Path.Combine(parent!, set);
        }

        return Directory.Exists(path) ? path : throw new LauncherException($"component folder {path} does not exist: choose a set that exists with -c");
    }

    private static string? ConfigFile(string folder, string directory, TemplateSection common, TemplateSection app)
    {
        var conventional = Path.Combine(directory, ".dapr", "config.yaml");
        var path = app.Text("configFilePath") is { } own ? Path.GetFullPath(Home(own), directory)
            : File.Exists(conventional) ? conventional
            : common.Text("configFilePath") is { } shared ? Path.GetFullPath(Home(shared), folder)
            : null;
        return path is null || File.Exists(path) ? path : throw new LauncherException($"configuration file {path} does not exist");
    }

    private static AppHealthCheck? Health(TemplateSection common, TemplateSection app)
    {
        if ((app.Flag("enableAppHealthCheck") ?? common.Flag("enableAppHealthCheck")) is not true)
        {
            return null;
        }

        return new AppHealthCheck(
            app.Text("appHealthCheckPath") ?? common.Text("appHealthCheckPath") ?? "/healthz",
            Positive("appHealthProbeInterval", 5),
            Positive("appHealthProbeTimeout", 500),
            Positive("appHealthThreshold", 3));

        int Positive(string name, int standard) =>
            (app.Number(name) ?? common.Number(name)) is { } value and > 0 ? value : standard;
    }

    private static string? LogLevel(TemplateSection section) => section.Text("logLevel") switch
    {
        null => null,
        var level when LogLevels.Contains(level) => level,
        _ => throw section.Error(section["logLevel"]!, $"'logLevel' must be one of {string.Join(", ", LogLevels)}"),
    };

    private static LogDestination? Destination(TemplateSection section, string name) => section.Text(name) switch
    {
        null => null,
        "file" => LogDestination.File,
        "console" => LogDestination.Console,
        "fileAndConsole" => LogDestination.FileAndConsole,
        _ => throw section.Error(section[name]!, $"'{name}' must be file, console or fileAndConsole"),
    };

    private static string Home(string path) =>
        path == "~" || path.StartsWith("~/", StringComparison.Ordinal)
            ? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) + path[1..]
            : path;
}
