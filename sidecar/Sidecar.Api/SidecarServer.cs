using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Sidecar.Abstractions;
using Sidecar.Actors;
using Sidecar.Api.Grpc;
using Sidecar.Api.Http;
using Sidecar.Runtime;
using Sidecar.Runtime.App;
using Sidecar.Runtime.Invocation;
using Sidecar.Runtime.Loading;
using Sidecar.Runtime.Outbox;
using Sidecar.Runtime.Workflows;
using Sidecar.Workflows;
using Sidecar.Workflows.Service;
using Tandem.Protocol.Grpc;

namespace Sidecar.Api;

/// <summary>Knobs for hosts and tests.</summary>
public sealed class SidecarServerOptions
{
    /// <summary>Adds component types; by default all of this build.</summary>
    public Action<ComponentRegistry> Components { get; set; } = StandardComponents.AddAll;

    /// <summary>Clock of everything, for tests.</summary>
    public TimeProvider Time { get; set; } = TimeProvider.System;

    /// <summary>Configures logging; by default single lines on the console.</summary>
    public Action<ILoggingBuilder>? Logging { get; set; }

    /// <summary>Limits and times of the workflow engines.</summary>
    public WorkflowEngineOptions Workflows { get; set; } = new();

    /// <summary>Limits and times of actors.</summary>
    public ActorOptions Actors { get; set; } = new();

    /// <summary>How long calls to apps may take.</summary>
    public AppTimeouts Timeouts { get; set; } = new();

    /// <summary>Given an app instance and the handler for calls to it, the handler to use; for tests. By default the one given.</summary>
    public Func<SidecarInstance, HttpMessageHandler, HttpMessageHandler> AppHandler { get; set; } = static (_, handler) => handler;

    /// <summary>How long running deliveries may take to finish when the process stops. Default 5 s.</summary>
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long answers that are being given when the ports of one app close (<c>POST /v1.0/shutdown</c>) may take. Default 1 s.</summary>
    public TimeSpan LastAnswers { get; set; } = TimeSpan.FromSeconds(1);
}

/// <summary>Starts the endpoints of all app instances of a run in this process.</summary>
public static class SidecarServer
{
    /// <summary>
    /// Loads components, opens the ports and begins to watch the apps. Throws <see cref="ComponentException"/> with a sentence for the
    /// operator. A port of 0 is replaced by a free one, see <see cref="RunningSidecar.Instances"/>.
    /// </summary>
    public static async Task<RunningSidecar> StartAsync(SidecarRun run, SidecarServerOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new SidecarServerOptions();
        // Not the working directory: an appsettings.json there is of another program, and all below it, the store too, would be watched.
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
        {
            Args = ["--hostBuilder:reloadConfigOnChange=false"],
            EnvironmentName = "Production",
            ContentRootPath = AppContext.BaseDirectory,
        });
        builder.Logging.ClearProviders();
        (options.Logging ?? (logging => logging.AddSimpleConsole(console => console.SingleLine = true)))(builder.Logging);
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning).SetMinimumLevel(Level(run.LogLevel));
        builder.Services.AddSingleton(options.Time);
        builder.Services.AddSingleton<SidecarFault>();
        builder.Services.AddSingleton<OutboxTransactions>();
        builder.Services.AddSingleton<InvocationService>();
        builder.Services.AddSingleton<ErrorWriter>();
        builder.Services.AddSingleton<ApiLog>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = options.ShutdownTimeout);
        builder.WebHost.UseSetting(WebHostDefaults.PreventHostingStartupKey, "true");
        RunningSidecar? sidecar = null;
        var late = new LatePorts(new SocketTransportFactory(Options.Create(new SocketTransportOptions()), NullLoggerFactory.Instance));
        builder.Services.AddSingleton<IConnectionListenerFactory>(late);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MaxRequestHeadersTotalSize = (int)run.Instances.Select(instance => Math.Min(instance.ReadBufferBytes, int.MaxValue / 2)).Append(MinHeadBytes).Max();
            kestrel.Limits.Http2.MaxStreamsPerConnection = 10_000;
            kestrel.Limits.Http2.InitialConnectionWindowSize = 4 * 1024 * 1024;
            kestrel.Limits.Http2.InitialStreamWindowSize = 1024 * 1024;
            foreach (var instance in run.Instances)
            {
                UnixSockets.Listen(kestrel, instance, () => sidecar!.Apps.First(app =>
                    app.Instance.AppId == instance.AppId && app.Instance.Index == instance.Index));
            }

            // The ports of the instances open after the start, and each closes for itself.
            kestrel.Listen(late.Http, listen => listen.Protocols = HttpProtocols.Http1);
            kestrel.Listen(late.Grpc, listen => listen.Protocols = HttpProtocols.Http2);
        });

        var host = builder.Build();
        sidecar = new RunningSidecar(host, run, options, late);
        try
        {
            await sidecar.LoadAsync(cancellationToken);
            MapEndpoints(host, sidecar);
            await host.StartAsync(cancellationToken);
            await sidecar.OpenPortsAsync(cancellationToken);
            sidecar.Watch();
            return sidecar;
        }
        catch
        {
            await sidecar.DisposeAsync();
            throw;
        }
    }

    /// <summary>Kestrel's own default; daprd begins at 4 KiB.</summary>
    private const long MinHeadBytes = 32 * 1024;

    private static void MapEndpoints(WebApplication host, RunningSidecar sidecar)
    {
        var gatekeeper = new Gatekeeper();
        var errors = host.Services.GetRequiredService<ErrorWriter>();
        // In this order (protocol: HTTP §0.1): who asks, span, errors, pipeline, list of APIs, routes. Calls of gRPC have their errors and lists
        // with their methods.
        host.Use(next => http => gatekeeper.InvokeAsync(http, next));
        host.Use(next => http => http.IsGrpcPort() && !GrpcDoor.Admits(http) ? Task.CompletedTask : next(http));
        host.Use(next => http => RequestTracing.InvokeAsync(http, next));
        host.UseWhen(http => !http.IsGrpcPort(), api =>
        {
            api.Use(next => http => MetricsPage.CountAsync(http, next));
            api.Use(next => http => errors.InvokeAsync(http, next));
            api.Use(next => http =>
            {
                RequestTracing.CheckBaggage(http);
                return RequestPipeline.InvokeAsync(http, next);
            });
            api.Use(next => http => http.App().Configuration.Api.IsAllowed(http.Request.Path.Value!)
                ? next(http)
                // As on daprd, where what is not allowed has no route and ends as an invocation of nobody.
                : throw InvocationErrors.NoTarget());
        });
        host.UseRouting();
        var apiLog = host.Services.GetRequiredService<ApiLog>();
        host.Use(next => http =>
        {
            apiLog.Write(http);
            return next(http);
        });
        host.MapState();
        host.MapPublish();
        host.MapInvoke();
        host.MapOtherBlocks();
        host.MapConfiguration();
        var workflows = new WorkflowApi(sidecar.Engine);
        host.MapWorkflows(workflows);
        host.MapActors(sidecar.Actors);
        host.MapSystem(sidecar.Actors, sidecar.Engine);
        host.MapPost("/v1.0/shutdown", http =>
        {
            // After the answer: the ports close.
            http.Response.OnCompleted(() =>
            {
                sidecar.BeginShutdown(http.App(), force: http.Request.Headers["dapr-force-shutdown"].ToString().Equals("true", StringComparison.OrdinalIgnoreCase));
                return Task.CompletedTask;
            });
            return http.NoContent();
        });
        sidecar.MapGrpc(host);
        host.MapGrpc(
            DaprService.Create(
                host.Services.GetRequiredService<InvocationService>(), workflows, sidecar.Actors, app => sidecar.BeginShutdown(app, force: false)),
            new GrpcServerOptions { MaxMessageBytes = http => (int)Math.Min(http.App().Instance.MaxBodyBytes, int.MaxValue) });
    }

    private static LogLevel Level(string text) => text switch
    {
        "debug" => LogLevel.Debug,
        "warn" => LogLevel.Warning,
        "error" => LogLevel.Error,
        "fatal" => LogLevel.Critical,
        _ => LogLevel.Information,
    };
}

/// <summary>The sidecars of a run.</summary>
public sealed class RunningSidecar : IAsyncDisposable
{
    private readonly WebApplication _host;
    private readonly SidecarRun _run;
    private readonly SidecarServerOptions _options;
    private readonly LatePorts _latePorts;
    private readonly SemaphoreSlim _loading = new(1);
    private readonly ComponentRegistry _registry = new();
    private readonly Dictionary<string, ResourceSet> _resources = [];
    private readonly ConcurrentDictionary<string, WorkflowEngine> _engines = [];
    private readonly ConcurrentDictionary<AppInstance, LatePort[]> _ports = [];
    private readonly ConcurrentDictionary<AppInstance, Lazy<Task>> _shutdowns = [];
    private readonly TaskCompletionSource _allGone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ActorSystem _actors;
    private volatile AppInstance[] _apps = [];
    private int _disposed;

    internal RunningSidecar(WebApplication host, SidecarRun run, SidecarServerOptions options, LatePorts latePorts)
    {
        _host = host;
        _run = run;
        _options = options;
        _latePorts = latePorts;
        options.Components(_registry);
        _actors = new ActorSystem(options.Actors, options.Time, host.Services.GetRequiredService<ILoggerFactory>());
    }

    /// <summary>The instances with their ports.</summary>
    public IReadOnlyList<SidecarInstance> Instances { get; private set; } = [];

    /// <summary>The runtime side of the instances, for tests.</summary>
    public IReadOnlyList<AppInstance> Apps => _apps;

    /// <summary>
    /// Completes when the process is asked to stop (SIGTERM, SIGINT), and when every app has shut down its own sidecar. The ports stay open until <see cref="DisposeAsync"/>: handlers that
    /// finish then still save and publish. Throws <see cref="ComponentException"/> when a component reports a <see cref="SidecarFault"/>.
    /// </summary>
    public async Task WaitForShutdownAsync(CancellationToken cancellationToken = default)
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = _host.Lifetime.ApplicationStopping.Register(() => asked.TrySetResult());
        var fault = _host.Services.GetRequiredService<SidecarFault>().Reported;
        if (await Task.WhenAny(asked.Task, fault, _allGone.Task).WaitAsync(cancellationToken) == fault)
        {
            var exception = await fault;
            throw new ComponentException($"the sidecar ends: {exception.Message}", exception);
        }
    }

    /// <summary>Returns when the process has been asked to stop by a signal, or after the time.</summary>
    public Task WaitForSignalAsync(TimeSpan limit) =>
        Task.Delay(limit, _options.Time, _host.Lifetime.ApplicationStopping).ContinueWith(static _ => { }, TaskScheduler.Default);

    /// <summary>Takes nothing in any more, lets what runs finish, and closes the components.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await Task.WhenAll(_shutdowns.Values.Select(shutdown => shutdown.Value));
        // Deliveries first: what they do not finish goes back to its group. Actors after them, for handlers may call some.
        await _actors.BeginStopAsync();
        await Task.WhenAll(_apps.Select(app => app.StopAsync(_options.ShutdownTimeout)));
        await _actors.StopAsync(_options.ShutdownTimeout);
        foreach (var engine in _engines.Values)
        {
            await engine.DisposeAsync();
        }

        await _host.StopAsync();
        foreach (var app in _apps)
        {
            await app.DisposeAsync();
        }

        await _host.DisposeAsync();
    }

    /// <summary>Opens the ports of the instances that the run began with.</summary>
    internal async Task OpenPortsAsync(CancellationToken cancellationToken)
    {
        foreach (var app in _apps)
        {
            var http = await _latePorts.OpenAsync(app.Instance.HttpPort, isGrpc: false, cancellationToken);
            var grpc = await _latePorts.OpenAsync(app.Instance.GrpcPort, isGrpc: true, cancellationToken);
            var metrics = await OpenMetricsAsync(app, cancellationToken);
            Instances = [.. Instances, app.Instance with { HttpPort = http.Number, GrpcPort = grpc.Number, MetricsPort = metrics?.Number }];
            Serve(app, http, grpc, metrics);
        }
    }

    /// <summary>
    /// Ends the sidecar of one app (protocol: HTTP §10): what is being delivered may finish, nothing new is, its ports close and nobody reaches it
    /// by invocation any more. Whoever supervises the app is told not to start it again; without any app left the process ends.
    /// </summary>
    public void BeginShutdown(AppInstance app, bool force) =>
        _ = _shutdowns.GetOrAdd(app, _ => new Lazy<Task>(() => Task.Run(() => ShutdownAsync(app, force ? TimeSpan.Zero : _options.ShutdownTimeout)))).Value;

    private async Task ShutdownAsync(AppInstance app, TimeSpan drainTimeout)
    {
        await app.StopAsync(drainTimeout);
        _host.Services.GetRequiredService<InvocationService>().Remove(app);
        if (_ports.TryRemove(app, out var ports))
        {
            foreach (var port in ports)
            {
                await port.CloseAsync(CancellationToken.None);
            }

            // Streams of workers have no end of their own.
            await Task.WhenAll(ports.Select(port => port.EndConnectionsAsync(_options.LastAnswers)));
        }

        SidecarRun.RequestStop(_run.DataDirectory, $"{app.Instance.AppId}#{app.Instance.Index}");
        if (_ports.IsEmpty)
        {
            SidecarRun.RequestStop(_run.DataDirectory, SidecarRun.ProcessName);
            _allGone.TrySetResult();
        }
    }

    private async Task<LatePort?> OpenMetricsAsync(AppInstance app, CancellationToken cancellationToken) =>
        app.Metrics is null ? null : await _latePorts.OpenAsync(app.Instance.MetricsPort ?? 0, isGrpc: false, cancellationToken);

    private void Serve(AppInstance app, LatePort http, LatePort grpc, LatePort? metrics)
    {
        _ports[app] = metrics is null ? [http, grpc] : [http, grpc, metrics];
        metrics?.Serve(new PortOwner(app, IsGrpc: false) { IsMetrics = true });
        http.Serve(new PortOwner(app, IsGrpc: false));
        grpc.Serve(new PortOwner(app, IsGrpc: true));
    }

    internal async Task LoadAsync(CancellationToken cancellationToken)
    {
        foreach (var instance in _run.Instances)
        {
            await LoadAsync(instance, cancellationToken);
        }

        await StartEnginesAsync(cancellationToken);
    }

    /// <summary>Separate from making them: all are there before one looks for activities and children in another app.</summary>
    private async Task StartEnginesAsync(CancellationToken cancellationToken)
    {
        foreach (var engine in _engines.Values.Where(engine => !engine.IsStarted))
        {
            await engine.StartAsync(cancellationToken);
        }
    }

    /// <summary>
    /// Adds an app instance while the others run and opens its ports; 0 is a free one, see <see cref="AppInstance.Instance"/>. The caller
    /// lets it call the app with <see cref="AppInstance.Watch"/>.
    /// </summary>
    public async Task<AppInstance> AddAsync(SidecarInstance instance, CancellationToken cancellationToken = default)
    {
        await _loading.WaitAsync(cancellationToken);
        LatePort? http = null;
        LatePort? grpc = null;
        try
        {
            http = await _latePorts.OpenAsync(instance.HttpPort, isGrpc: false, cancellationToken);
            grpc = await _latePorts.OpenAsync(instance.GrpcPort, isGrpc: true, cancellationToken);
            var app = await LoadAsync(instance with { HttpPort = http.Number, GrpcPort = grpc.Number }, cancellationToken);
            await StartEnginesAsync(cancellationToken);
            var metrics = await OpenMetricsAsync(app, cancellationToken);
            Instances = [.. Instances, app.Instance with { MetricsPort = metrics?.Number }];
            Serve(app, http, grpc, metrics);
            return app;
        }
        catch
        {
            await (http?.CloseAsync(CancellationToken.None) ?? default);
            await (grpc?.CloseAsync(CancellationToken.None) ?? default);
            throw;
        }
        finally
        {
            _loading.Release();
        }
    }

    /// <summary>Breaks the connections that are open to the ports of an app instance; for tests of what happens then.</summary>
    public void BreakConnections(AppInstance app)
    {
        foreach (var port in _ports[app])
        {
            port.BreakConnections();
        }
    }

    private async Task<AppInstance> LoadAsync(SidecarInstance instance, CancellationToken cancellationToken)
    {
        var key = string.Join('\n', instance.ResourcesPaths);
        if (!_resources.TryGetValue(key, out var set))
        {
            _resources[key] = set = ResourceLoader.Load(instance.ResourcesPaths);
        }

        var loggers = _host.Services.GetRequiredService<ILoggerFactory>();
        var app = new AppInstance(instance, set, _options.Timeouts, _options.Time, loggers, handler => _options.AppHandler(instance, handler));
        _apps = [.. _apps, app];
        await app.LoadAsync(set, _run, _registry, _host.Services, cancellationToken);
        await _actors.AddAsync(app, cancellationToken);
        if (!_engines.ContainsKey(instance.AppId) && WorkflowStore.Find(app) is { } store)
        {
            _engines[instance.AppId] = new WorkflowEngine(
                instance.AppId, store, WorkflowEngine.DefaultKeyPrefix(instance.AppId), WorkflowOptions(app), _options.Time, loggers,
                peers: appId => _engines.GetValueOrDefault(appId));
        }

        _host.Services.GetRequiredService<InvocationService>().Add(app);
        return app;
    }

    private WorkflowEngineOptions WorkflowOptions(AppInstance app) => _options.Workflows with
    {
        Retention = app.Configuration.Retention is { } kept
            ? new WorkflowRetention { AnyTerminal = kept.AnyTerminal, Completed = kept.Completed, Failed = kept.Failed, Terminated = kept.Terminated } : _options.Workflows.Retention,
        MaxTurnsPerStream = app.Configuration.MaxWorkflowTurns ?? _options.Workflows.MaxTurnsPerStream,
        MaxActivitiesPerStream = app.Configuration.MaxActivities ?? _options.Workflows.MaxActivitiesPerStream,
    };

    /// <summary>Begins to watch the apps; after the ports are open, since an app that is up calls back at once.</summary>
    internal void Watch() => Array.ForEach(_apps, app => app.Watch());

    /// <summary>The engine of an app's workflows; null when no store for them is in its scope.</summary>
    public WorkflowEngine? Engine(AppInstance app) => _engines.GetValueOrDefault(app.Instance.AppId);

    /// <summary>The actors of an app.</summary>
    public ActorRuntime Actors(AppInstance app) => _actors.Runtime(app);

    internal void MapGrpc(IEndpointRouteBuilder routes) => routes.MapGrpc(
        TaskHubSidecarService.Create(http => Engine(http.App()) ?? throw new GrpcException(
            GrpcStatusCode.FailedPrecondition, $"app {http.App().Instance.AppId} has no state store with metadata actorStateStore: \"true\" in its scope")),
        new GrpcServerOptions { MaxReceiveMessageBytes = MaxGrpcMessageBytes, MaxSendMessageBytes = null });

    /// <summary>Turns carry whole histories, so the limit is wider than that of HTTP bodies.</summary>
    private const int MaxGrpcMessageBytes = 16 * 1024 * 1024;
}
