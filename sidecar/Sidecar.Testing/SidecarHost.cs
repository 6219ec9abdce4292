using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;
using Sidecar.Api;
using Sidecar.Runtime;
using Sidecar.Testing.Components;

namespace Sidecar.Testing;

/// <summary>
/// A Dapr sidecar in the process of a test: the embedded sidecar itself, on ports of its own, with a clock that the test moves, faults on
/// demand, and a record of what happened. See docs/testing-with-sidecarhost.md.
/// </summary>
public sealed partial class SidecarHost : IAsyncDisposable
{
    private readonly SidecarHostOptions _options;
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"sidecar-host-{Guid.NewGuid():N}");
    private readonly TrafficRecorder _traffic = new();
    private readonly ClientCalls _clientCalls;
    private readonly Observation _observation;
    private readonly HostComponents _components;
    private readonly string[] _resources;
    private readonly SemaphoreSlim _changing = new(1);
    private volatile SidecarApp[] _apps = [];
    private RunningSidecar _sidecar = null!;
    private SidecarServerOptions _serverOptions = null!;
    private int _disposed;

    private SidecarHost(SidecarHostOptions options)
    {
        _options = options;
        Seed = options.Seed ?? (Environment.GetEnvironmentVariable(SidecarHostOptions.SeedVariable) is { Length: > 0 } text
            ? int.Parse(text, CultureInfo.InvariantCulture)
            : Random.Shared.Next());
        Time = options.RealTime ? TimeProvider.System : new VirtualClock(options.StartTime);
        _clientCalls = new ClientCalls(_traffic);
        if (Time is VirtualClock clock)
        {
            clock.Armed += _clientCalls.OnArmed;
        }

        Faults = new Faults(Time, Seed, _traffic.Touch);
        Secrets = new(options.Secrets, StringComparer.Ordinal);
        foreach (var (key, value) in options.Configuration)
        {
            Configuration.Set(key, value);
        }

        Logs = new CapturedLogs(options.WriteLine);
        _observation = new Observation(Faults, _traffic, Time);
        _components = new HostComponents(options, Secrets, Configuration, _observation);
        _resources = ComponentYaml.Write(options, Path.Combine(_folder, "resources"));
    }

    /// <summary>Starts a sidecar. Throws <see cref="ComponentException"/> with a sentence that says what is wrong with a resource.</summary>
    public static async Task<SidecarHost> StartAsync(Action<SidecarHostOptions>? configure = null, CancellationToken cancellationToken = default)
    {
        var options = new SidecarHostOptions();
        configure?.Invoke(options);
        var host = new SidecarHost(options);
        try
        {
            options.WriteLine?.Invoke($"seed {host.Seed}; {SidecarHostOptions.SeedVariable}={host.Seed} repeats it");
            host._sidecar = await host.StartSidecarAsync(cancellationToken);
            host.Self = await host.AddAppAsync(options.AppId, null, null, cancellationToken);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>The endpoint of the test itself, which is an app without a server.</summary>
    public SidecarApp Self { get; private set; } = null!;

    /// <summary>All app instances, the test's own first.</summary>
    public IReadOnlyList<SidecarApp> Apps => _apps;

    /// <summary>The first instance of an app.</summary>
    public SidecarApp this[string appId] =>
        _apps.FirstOrDefault(app => app.AppId == appId) ?? throw new KeyNotFoundException($"there is no app {appId}; there are: {string.Join(", ", _apps.Select(app => app.AppId))}");

    /// <summary>The sidecar's clock. Throws where the host was started with <see cref="SidecarHostOptions.RealTime"/>.</summary>
    public VirtualClock Clock => Time as VirtualClock ?? throw new InvalidOperationException("this host runs by real time; there is no clock to move");

    /// <summary>The clock as apps take it: <c>services.AddSingleton(dapr.Time)</c> makes an app follow it.</summary>
    public TimeProvider Time { get; }

    /// <summary>What is to go wrong.</summary>
    public Faults Faults { get; }

    /// <summary>What sidecar and apps have logged.</summary>
    public CapturedLogs Logs { get; }

    /// <summary>Secrets of the default secret store.</summary>
    public ConcurrentDictionary<string, string> Secrets { get; }

    /// <summary>Items of the default configuration store.</summary>
    public ConfigurationItems Configuration { get; } = new();

    /// <summary>Seed of all chance in faults.</summary>
    public int Seed { get; }

    /// <summary>Address of the Dapr HTTP API for the test itself.</summary>
    public string HttpEndpoint => Self.HttpEndpoint;

    /// <summary>Address of the Dapr gRPC API for the test itself.</summary>
    public string GrpcEndpoint => Self.GrpcEndpoint;

    /// <summary>Token for <see cref="HttpEndpoint"/> and <see cref="GrpcEndpoint"/>.</summary>
    public string ApiToken => Self.ApiToken;

    /// <summary>Ports, endpoints and tokens of the test itself; every <see cref="SidecarApp"/> has its own.</summary>
    public IReadOnlyDictionary<string, string> EnvironmentVariables => Self.Environment;

    /// <summary>Folder of the host's files.</summary>
    internal string Folder => _folder;

    internal ClientCalls ClientCalls => _clientCalls;

    internal TimeSpan Patience => _options.Patience;

    /// <summary>A client of the Dapr HTTP API as the test itself.</summary>
    public HttpClient CreateClient() => Self.CreateClient();

    /// <summary>A client whose requests go to an app, as invocations by the test.</summary>
    public HttpClient CreateInvokeClient(string appId) => Self.CreateInvokeClient(appId);

    /// <summary>
    /// Stops the sidecar and starts it again on the same ports with the same data; apps stay where they are. With
    /// <paramref name="crash"/> all connections break first and nothing that runs may end.
    /// </summary>
    public async Task RestartAsync(bool crash = false, CancellationToken cancellationToken = default)
    {
        await _changing.WaitAsync(cancellationToken);
        try
        {
            if (crash)
            {
                Array.ForEach(_apps, BreakConnections);
            }

            await StopSidecarAsync(crash ? TimeSpan.Zero : null);
            _sidecar = await StartSidecarAsync(cancellationToken);
            foreach (var app in _apps)
            {
                app.Rejoin(await AddAsync(app.Instance.Instance, cancellationToken));
            }
        }
        finally
        {
            _changing.Release();
        }

        foreach (var app in _apps.Where(app => app.IsWatched && app.AppPort is not null && (app.Starter is null || app.Running is not null)))
        {
            await app.ReadyAsync(cancellationToken: cancellationToken);
        }
    }

    /// <summary>Stops the apps that the host started, and the sidecar. No port, file or thread stays behind.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        // What a fault holds back goes on, so that nothing waits for it.
        Faults.Clear();
        if (_sidecar is not null)
        {
            await StopSidecarAsync(null);
        }

        foreach (var app in _apps)
        {
            await app.EndAsync();
        }

        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    internal int WorkersOf(SidecarApp app) => _sidecar.Engine(app.Instance)?.GetStatus().Streams ?? 0;

    internal void Watch(AppInstance instance) => _traffic.Threads.Run(instance.Watch);

    internal void BreakConnections(SidecarApp app) => _sidecar.BreakConnections(app.Instance);

    private async Task<RunningSidecar> StartSidecarAsync(CancellationToken cancellationToken)
    {
        var options = new SidecarServerOptions
        {
            Time = Time,
            Components = _components.AddTo,
            AppHandler = (instance, handler) => new ObservedAppHandler(instance.AppId, handler, _observation),
            Logging = logging => logging.ClearProviders().AddProvider(Logs.For("sidecar")).Services.AddSingleton<IStartupFilter>(_clientCalls),
        };
        _options.Sidecar(options);
        _serverOptions = options;
        var run = new SidecarRun
        {
            DataDirectory = Path.Combine(_folder, "data"),
            BaseDirectory = Path.GetFullPath(_options.BaseDirectory ?? (_options.Resources.Count > 0 ? "." : _folder)),
            LogLevel = _options.LogLevel, Instances = [],
        };
        _traffic.Threads.Join();
        return await SidecarServer.StartAsync(run, options, cancellationToken);
    }

    private async Task<AppInstance> AddAsync(SidecarInstance instance, CancellationToken cancellationToken)
    {
        _traffic.Threads.Join();
        return await _sidecar.AddAsync(instance, cancellationToken);
    }

    private async Task StopSidecarAsync(TimeSpan? drain)
    {
        _serverOptions.ShutdownTimeout = drain ?? _serverOptions.ShutdownTimeout;
        await _sidecar.DisposeAsync();
    }
}
