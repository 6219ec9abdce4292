using Sidecar.Abstractions;

namespace Launcher.Templates;

/// <summary>Reads one app of a template, or of a command line (dapr/config §6).</summary>
/// <param name="folder">What paths of common are relative to.</param>
/// <param name="set">Component set that takes the place of <c>components/redis</c>.</param>
internal sealed class AppReader(string folder, string set)
{
    /// <summary>Most talkative first.</summary>
    private static readonly string[] LogLevels = ["debug", "info", "warn", "error", "fatal"];

    private static readonly string[] Destinations = ["file", "console", "fileAndConsole"];

    private static readonly string[] Loopback = ["127.0.0.1", "localhost", "[::1]", "::1"];

    /// <param name="fields">The app over common.</param>
    /// <param name="directory">Working directory; paths of the app are relative to it.</param>
    public TemplateApp Read(AppFields fields, string directory)
    {
        var app = fields.App;
        RefuseUnsupported(fields);
        var appId = app.Text("appID") ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(directory));
        return new TemplateApp
        {
            AppId = appId,
            Directory = directory,
            Command = app.Texts("command") ?? [],
            AppPort = app.Port("appPort"),
            HttpPort = app.Port("daprHTTPPort"),
            GrpcPort = app.Port("daprGRPCPort"),
            MetricsPort = app.Port("metricsPort"),
            Env = fields.Map("env"),
            ResourcesPaths = Resources(fields, directory),
            ConfigFilePath = ConfigFile(fields, directory),
            UnixDomainSocket = SocketFolder(app, directory, appId),
            MaxBodyBytes = fields.Bytes("maxBodySize") ?? 4 * 1024 * 1024,
            ReadBufferBytes = fields.Bytes("readBufferSize") ?? 4 * 1024,
            MaxConcurrency = fields.Number("appMaxConcurrency") ?? -1,
            ApiLogging = fields.Flag("enableApiLogging"),
            Health = Health(fields),
            AppLog = Destination(fields, "appLogDestination"),
            SidecarLog = Destination(fields, "daprdLogDestination"),
            LogLevel = fields.OneOf("logLevel", LogLevels) ?? "info",
            DependsOn = app.Texts("dependsOn") ?? [],
        };
    }

    /// <summary>The more talkative of two log levels.</summary>
    public static string MostTalkative(IEnumerable<string> levels) => levels.MinBy(level => Array.IndexOf(LogLevels, level))!;

    /// <summary>Fields of a section that change nothing here, each with the reason.</summary>
    public static IEnumerable<(string Field, string Reason)> WithoutEffect(TemplateSection section)
    {
        foreach (var (name, reason) in TemplateFields.WithoutEffect)
        {
            if (section.Text(name) is not (null or "false" or "0" or "-1"))
            {
                yield return (name, reason);
            }
        }

        if (section.Text("apiListenAddresses") is { } listen && !listen.Split(',', StringSplitOptions.TrimEntries).All(Loopback.Contains))
        {
            yield return ("apiListenAddresses", "the sidecar listens on 127.0.0.1 only");
        }
    }

    public static string Home(string path) =>
        path == "~" || path.StartsWith("~/", StringComparison.Ordinal)
            ? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) + path[1..]
            : path;

    /// <summary>What would change how app and sidecar talk and is not there.</summary>
    private static void RefuseUnsupported(AppFields fields)
    {
        fields.OneOf("appProtocol", "http");
        fields.OneOf("appSSL", "false");
        if (fields.App.Text("appChannelAddress") is { } address && !Loopback.Contains(address))
        {
            throw fields.App.Error(fields.App["appChannelAddress"]!, "'appChannelAddress' can only be 127.0.0.1 here");
        }
    }

    /// <summary>The system allows 107 characters for the whole path of a socket.</summary>
    private static string? SocketFolder(TemplateSection app, string directory, string appId)
    {
        const int Longest = 107;
        if (app.Text("unixDomainSocket") is not { } path)
        {
            return null;
        }

        var folder = Path.GetFullPath(Home(path), directory);
        return Path.Combine(folder, $"dapr-{appId}-99-http.socket").Length <= Longest
            ? folder
            : throw app.Error(app["unixDomainSocket"]!, $"'unixDomainSocket' {folder} is too long a path for sockets: choose a folder nearer to the root, such as /tmp/{appId}");
    }

    /// <summary>The app's own list, else <c>.dapr/resources</c> of the app, else the common list; empty means the standard components.</summary>
    private List<string> Resources(AppFields fields, string directory)
    {
        var conventional = Path.Combine(directory, ".dapr", "resources");
        var (section, origin, paths) =
            List(fields.App) is { } own ? (fields.App, directory, own)
            : Directory.Exists(conventional) ? (fields.App, directory, [conventional])
            : (fields.Common, folder, List(fields.Common) ?? []);
        return [.. paths.Select(path => Resource(section, Path.GetFullPath(Home(path), origin)))];

        static IReadOnlyList<string>? List(TemplateSection section) =>
            section.Texts("resourcesPaths") is { Count: > 0 } list ? list : section.Text("resourcesPath") is { } one ? [one] : null;
    }

    private string Resource(TemplateSection section, string path)
    {
        var parent = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(path));
        var isSet = Path.GetFileName(Path.TrimEndingDirectorySeparator(path)) == "redis" && Path.GetFileName(parent) == "components";
        path = isSet ? Path.Combine(parent!, set) : path;
        return Directory.Exists(path) ? path : throw section.Error(
            section["resourcesPaths"] ?? section["resourcesPath"] ?? section.Node,
            isSet && Directory.Exists(parent)
                ? $"component folder {path} does not exist: choose a set with -c; there are {string.Join(", ", Directory.EnumerateDirectories(parent).Select(Path.GetFileName).Order())}"
                : $"component folder {path} does not exist");
    }

    private string? ConfigFile(AppFields fields, string directory)
    {
        var conventional = Path.Combine(directory, ".dapr", "config.yaml");
        var (section, path) =
            fields.App.Text("configFilePath") is { } own ? (fields.App, Path.GetFullPath(Home(own), directory))
            : File.Exists(conventional) ? (fields.App, conventional)
            : fields.Common.Text("configFilePath") is { } shared ? (fields.Common, Path.GetFullPath(Home(shared), folder))
            : (fields.App, null);
        return path is null || File.Exists(path) ? path : throw section.Error(section["configFilePath"]!, $"configuration file {path} does not exist");
    }

    private static AppHealthCheck? Health(AppFields fields) => !fields.Flag("enableAppHealthCheck") ? null : new AppHealthCheck(
        fields.Text("appHealthCheckPath") is { } path ? "/" + path.TrimStart('/') : "/healthz",
        fields.Positive("appHealthProbeInterval", 5),
        fields.Positive("appHealthProbeTimeout", 500),
        fields.Positive("appHealthThreshold", 3));

    private static LogDestination Destination(AppFields fields, string name) => fields.OneOf(name, Destinations) switch
    {
        "file" => LogDestination.File,
        "console" => LogDestination.Console,
        _ => LogDestination.FileAndConsole,
    };
}
