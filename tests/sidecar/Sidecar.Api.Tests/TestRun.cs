using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;

namespace Sidecar.Api.Tests;

/// <summary>A sidecar over real sockets with small apps in this process; components from YAML written for the test.</summary>
public sealed class TestRun : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sidecar-api");
    private readonly List<WebApplication> _apps = [];
    private readonly List<Socket> _ports = [];
    private readonly List<SidecarInstance> _instances = [];

    /// <summary>Adds component types of the test to those of the build.</summary>
    public Action<ComponentRegistry> Types { get; init; } = static _ => { };

    public string LogLevel { get; init; } = "info";

    /// <summary>How long servers that are not up are waited for beyond <c>initTimeout</c>.</summary>
    public TimeSpan ServerWait { get; init; }

    /// <summary>How long what runs may take to finish when the sidecar stops.</summary>
    public TimeSpan ShutdownTimeout { get; init; } = new SidecarServerOptions().ShutdownTimeout;

    /// <summary>How long answers that are being given when the ports of an app close may take.</summary>
    public TimeSpan LastAnswers { get; init; } = new SidecarServerOptions().LastAnswers;

    /// <summary>What the sidecar has logged.</summary>
    public ConcurrentQueue<string> Log { get; } = [];

    public RunningSidecar Sidecar { get; private set; } = null!;

    public string Folder => _folder.FullName;

    /// <summary>Adds a component that may take its time to start, unless the tail of its <c>spec</c> has an <c>initTimeout</c>.</summary>
    public TestRun Component(string name, string type, string metadata = "", string tail = "", string version = "v1")
    {
        var entries = string.Concat(metadata.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(entry => entry.Split('=', 2))
            .Select(pair => $"    - {{name: {pair[0]}, value: \"{pair[1]}\"}}\n"));
        var initTimeout = tail.Contains("initTimeout:", StringComparison.Ordinal) ? "" : "  initTimeout: 60s\n";
        File.WriteAllText(
            Path.Combine(Folder, $"{name}.yaml"),
            $"apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {{name: {name}}}\nspec:\n  type: {type}\n  version: {version}\n{initTimeout}  metadata:\n{(entries.Length == 0 ? "    []\n" : entries)}{tail}");
        return this;
    }

    public TestRun Yaml(string file, string text)
    {
        File.WriteAllText(Path.Combine(Folder, file), text);
        return this;
    }

    /// <summary>A port kept for this run: nobody else gets it, and who connects is refused while nobody of the run listens.</summary>
    public int KeptPort()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _ports.Add(socket);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    /// <summary>Adds an app instance; its endpoints are mapped by the delegate. Null adds one without a server.</summary>
    public async Task<TestRun> AppAsync(string appId, Action<WebApplication>? map = null, string? apiToken = null, int index = 0, string? configuration = null, AppHealthCheck? health = null,
        int maxConcurrency = -1, string? unixDomainSocket = null, int? metricsPort = null)
    {
        int? port = null;
        if (map is not null)
        {
            // Its port stays that of the run when it has stopped. Elsewhere than on Linux none can listen beside the socket that keeps it.
            var app = await StartAppAsync(map, OperatingSystem.IsLinux() ? KeptPort() : 0);
            _apps.Add(app);
            port = PortOf(app);
        }

        _instances.Add(new SidecarInstance
        {
            AppId = appId, Index = index, AppPort = port, HttpPort = 0, GrpcPort = 0, ApiToken = apiToken, AppToken = "app-token", ResourcesPaths = [Folder],
            ConfigFilePath = configuration is null ? null : Path.Combine(Folder, configuration), AppHealth = health, AppMaxConcurrency = maxConcurrency, UnixDomainSocket = unixDomainSocket, MetricsPort = metricsPort,
        });
        return this;
    }

    /// <summary>Starts an app on a port, by default on one that the system gives it.</summary>
    public static async Task<WebApplication> StartAppAsync(Action<WebApplication> map, int port = 0)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        var app = builder.Build();
        map(app);
        await app.StartAsync();
        return app;
    }

    public static int PortOf(WebApplication app) => new Uri(app.Urls.Single()).Port;

    public WebApplication App(int index) => _apps[index];

    public async Task<TestRun> StartAsync(TimeProvider? time = null)
    {
        Sidecar = await SidecarServer.StartAsync(
            new SidecarRun { DataDirectory = Path.Combine(Folder, "data"), BaseDirectory = Folder, Instances = _instances, LogLevel = LogLevel, ServerWait = ServerWait },
            new SidecarServerOptions
            {
                Time = time ?? TimeProvider.System,
                ShutdownTimeout = ShutdownTimeout,
                LastAnswers = LastAnswers,
                Logging = logging => logging.ClearProviders().AddProvider(new LogSink(Log)),
                Components = registry =>
                {
                    StandardComponents.AddAll(registry);
                    Types(registry);
                },
            });
        foreach (var app in Sidecar.Apps.Where(app => app.Instance.AppPort is not null))
        {
            await Eventually(() => app.Channel.IsUp);
        }

        return this;
    }

    /// <summary>Ends the sidecar and starts another one on its data; the apps stay.</summary>
    public async Task RestartAsync()
    {
        await Sidecar.DisposeAsync();
        await StartAsync();
    }

    public HttpClient Client(int instance = 0) => new(new SocketsHttpHandler { UseProxy = false })
    {
        BaseAddress = new Uri($"http://127.0.0.1:{Sidecar.Instances[instance].HttpPort}"),
        Timeout = TimeSpan.FromSeconds(60),
    };

    public static async Task Eventually(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!condition())
        {
            await Task.Delay(10, limit.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Sidecar is not null)
        {
            await Sidecar.DisposeAsync();
        }

        foreach (var app in _apps)
        {
            await app.DisposeAsync();
        }

        _ports.ForEach(port => port.Dispose());
        _folder.Delete(recursive: true);
    }

    private sealed class LogSink(ConcurrentQueue<string> lines) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(Microsoft.Extensions.Logging.LogLevel logLevel) => true;

        public void Log<TState>(Microsoft.Extensions.Logging.LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines.Enqueue(formatter(state, exception));

        public void Dispose()
        {
        }
    }
}
