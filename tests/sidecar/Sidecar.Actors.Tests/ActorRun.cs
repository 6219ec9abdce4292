using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;
using Sidecar.Api;
using Sidecar.Runtime;
using TestKit;

namespace Sidecar.Actors.Tests;

/// <summary>A sidecar over real sockets with actor apps in this process; it can be started again over the same store.</summary>
public sealed class ActorRun(TimeProvider? time = null, ActorOptions? options = null) : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TempDirectory _folder = new();
    private readonly List<ActorApp> _apps = [];
    private readonly List<SidecarInstance> _instances = [];
    private readonly ConcurrentBag<HttpClient> _clients = [];

    private string Data => Path.Combine(_folder.Path, "data");

    public RunningSidecar Sidecar { get; private set; } = null!;

    public ConcurrentQueue<string> Log { get; } = [];

    /// <summary>Adds the store for actors.</summary>
    public ActorRun Store(string type = "state.in-memory") => Yaml("store.yaml", $$"""
        apiVersion: dapr.io/v1alpha1
        kind: Component
        metadata: {name: store}
        spec:
          type: {{type}}
          version: v1
          metadata:
            - {name: actorStateStore, value: "true"}
            - {name: fsync, value: "false"}
        """);

    public ActorRun Yaml(string file, string text)
    {
        File.WriteAllText(Path.Combine(_folder.Path, file), text);
        return this;
    }

    /// <summary>Adds an instance of an app that hosts actors.</summary>
    public async Task<ActorApp> AppAsync(string appId, string config, Func<AppCall, Task<IResult>> onCall, int index = 0, bool started = true)
    {
        var app = new ActorApp(config, onCall);
        if (started)
        {
            await app.StartAsync();
        }

        _apps.Add(app);
        Add(appId, app.Port, index);
        return app;
    }

    /// <summary>Adds an app without a server, which calls actors only.</summary>
    public ActorRun Caller(string appId)
    {
        Add(appId, null, 0);
        return this;
    }

    public async Task<ActorRun> StartAsync()
    {
        Sidecar = await SidecarServer.StartAsync(
            new SidecarRun { DataDirectory = Data, BaseDirectory = _folder.Path, Instances = _instances, LogLevel = "debug" },
            new SidecarServerOptions
            {
                Time = time ?? TimeProvider.System,
                Actors = options ?? new ActorOptions(),
                Logging = logging => logging.ClearProviders().AddProvider(new LogSink(Log)),
            });
        foreach (var (app, index) in _apps.Select((app, index) => (app, index)).Where(entry => entry.app.IsRunning))
        {
            await UpAsync(app);
        }

        return this;
    }

    /// <summary>Ends the sidecar in good order and starts another over the same files, or over a copy of them.</summary>
    public async Task RestartAsync(string? data = null)
    {
        await Sidecar.DisposeAsync();
        if (data is not null)
        {
            Directory.Delete(Data, recursive: true);
            Directory.Move(data, Data);
        }

        await StartAsync();
    }

    /// <summary>Copies the files of the store as they are at this moment, although the sidecar has locked them.</summary>
    public void CopyData(string to)
    {
        using var copy = System.Diagnostics.Process.Start("cp", ["-r", $"{Data}/.", to]);
        copy.WaitForExit();
    }

    /// <summary>Waits until the sidecar knows what the app hosts and lets actors in.</summary>
    public Task UpAsync(ActorApp app) => Eventually(() => Instance(app).IsServing && Runtime(app).Active is not null);

    /// <summary>Waits until the sidecar knows that the app is gone.</summary>
    public Task DownAsync(ActorApp app) => Eventually(() => Runtime(app).Active is null);

    public ActorRuntime Runtime(ActorApp app) => Sidecar.Actors(Instance(app));

    public AppInstance Instance(ActorApp app) => Sidecar.Apps.Single(instance => instance.Instance.AppPort == app.Port);

    public HttpClient Client(int instance = 0)
    {
        var client = new HttpClient(new SocketsHttpHandler { UseProxy = false })
        {
            BaseAddress = new Uri($"http://127.0.0.1:{Sidecar.Instances[instance].HttpPort}"),
            Timeout = Patience,
        };
        _clients.Add(client);
        return client;
    }

    public static async Task Eventually(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (!condition())
        {
            await Task.Delay(5, limit.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
        {
            client.Dispose();
        }

        if (Sidecar is not null)
        {
            await Sidecar.DisposeAsync();
        }

        foreach (var app in _apps)
        {
            await app.DisposeAsync();
        }

        _folder.Dispose();
    }

    private void Add(string appId, int? port, int index) => _instances.Add(new SidecarInstance
    {
        AppId = appId, Index = index, AppPort = port, HttpPort = 0, GrpcPort = 0, AppToken = "app-token", ResourcesPaths = [_folder.Path],
    });

    private sealed class LogSink(ConcurrentQueue<string> lines) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines.Enqueue(formatter(state, exception));

        public void Dispose()
        {
        }
    }
}
