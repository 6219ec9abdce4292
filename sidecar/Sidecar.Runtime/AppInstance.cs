using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;
using Sidecar.Runtime.App;
using Sidecar.Runtime.Bindings;
using Sidecar.Runtime.Configuration;
using Sidecar.Runtime.Diagnostics;
using Sidecar.Runtime.Loading;
using Sidecar.Runtime.Locks;
using Sidecar.Runtime.Outbox;
using Sidecar.Runtime.PubSub;
using Sidecar.Runtime.Resiliency;
using Sidecar.Runtime.Secrets;
using Sidecar.Runtime.State;

namespace Sidecar.Runtime;

/// <summary>One app instance as the sidecar sees it: its components, its policies and the way to the app.</summary>
public sealed class AppInstance : IAsyncDisposable
{
    private readonly ILoggerFactory _loggers;
    private readonly IReadOnlyList<SubscriptionManifest> _declared;
    private volatile Intake? _intake;

    public AppInstance(
        SidecarInstance instance, ResourceSet resources, AppTimeouts timeouts, TimeProvider time, ILoggerFactory loggers,
        Func<HttpMessageHandler, HttpMessageHandler>? appHandler = null)
    {
        Instance = instance;
        Configuration = ResourceLoader.LoadConfiguration(instance.ConfigFilePath);
        Timeouts = timeouts;
        Time = time;
        _loggers = loggers;
        _declared = [.. resources.Subscriptions.Where(subscription => subscription.Scopes.Count == 0 || subscription.Scopes.Contains(instance.AppId))];
        Resiliency = new ResiliencyPolicies(resources.Resiliency, instance.AppId, time);
        Tracing = AppTracing.Start(instance, Configuration.Tracing, loggers.CreateLogger<AppTracing>());
        Metrics = AppMetrics.Start(instance, Configuration);
        Channel = new AppChannel(instance, loggers.CreateLogger<AppChannel>(), appHandler) { Tracing = Tracing };
        State = new StateService(this);
        Publisher = new Publisher(this);
        Outboxes = new OutboxSet(this, loggers);
        Bindings = new BindingService(this);
        ConfigurationStores = new ConfigurationService(this, loggers);
        Secrets = new SecretService(this);
        Locks = new LockService(this);
    }

    public SidecarInstance Instance { get; }

    public AppConfiguration Configuration { get; }

    public AppTimeouts Timeouts { get; }

    public TimeProvider Time { get; }

    public ComponentSet Components { get; } = new();

    public ResiliencyPolicies Resiliency { get; }

    public AppChannel Channel { get; }

    /// <summary>Spans of the sidecar; null when the Configuration asks for none.</summary>
    public AppTracing? Tracing { get; }

    /// <summary>Counters of the sidecar; null when nobody can ask for them.</summary>
    public AppMetrics? Metrics { get; }

    /// <summary>What requests to the HTTP API pass first.</summary>
    public HttpPipeline ApiPipeline { get; private set; } = HttpPipeline.Empty;

    public StateService State { get; }

    public Publisher Publisher { get; }

    public OutboxSet Outboxes { get; }

    public BindingService Bindings { get; }

    public ConfigurationService ConfigurationStores { get; }

    public SecretService Secrets { get; }

    public LockService Locks { get; }

    /// <summary>Attributes that the app has set through the metadata API.</summary>
    public IDictionary<string, string> ExtendedMetadata { get; } = new System.Collections.Concurrent.ConcurrentDictionary<string, string>();

    /// <summary>Subscriptions that run now, for the metadata API.</summary>
    public IReadOnlyList<SubscriptionManifest> Subscriptions { get; private set; } = [];

    /// <summary>Whether the app is there and its subscriptions and input bindings have begun.</summary>
    public bool IsServing => Channel.IsUp && _intake is { IsOver: false };

    /// <summary>What else begins when the app listens, before its deliveries; set before <see cref="Watch"/>. What it returns is disposed with them.</summary>
    public Func<CancellationToken, Task<IAsyncDisposable?>> Hosting { get; set; } = _ => Task.FromResult<IAsyncDisposable?>(null);

    /// <summary>Creates the components.</summary>
    public async Task LoadAsync(
        ResourceSet resources, SidecarRun run, ComponentRegistry registry, IServiceProvider services, CancellationToken cancellationToken)
    {
        await InitAsync(resources, run, registry, services, check: false, cancellationToken);
        ApiPipeline = HttpPipeline.Of(Configuration.HttpPipeline, Components, "httpPipeline");
        Channel.Pipeline = HttpPipeline.Of(Configuration.AppHttpPipeline, Components, "appHttpPipeline");
        await Outboxes.StartAsync(services.GetService(typeof(OutboxTransactions)) as OutboxTransactions ?? new(), cancellationToken);
    }

    /// <summary>Looks for mistakes in the components as <see cref="LoadAsync"/> does, without opening their data.</summary>
    public Task CheckAsync(
        ResourceSet resources, SidecarRun run, ComponentRegistry registry, IServiceProvider services, CancellationToken cancellationToken) =>
        InitAsync(resources, run, registry, services, check: true, cancellationToken);

    private Task InitAsync(
        ResourceSet resources, SidecarRun run, ComponentRegistry registry, IServiceProvider services, bool check, CancellationToken cancellationToken) =>
        Components.InitAsync(resources.Components, Instance, run, registry, services, _loggers.CreateLogger<ComponentSet>(), check, cancellationToken);

    /// <summary>Begins to watch the app: as soon as it listens it gets its messages.</summary>
    public void Watch() => Channel.Start(OnAppUpAsync);

    /// <summary>Hands nothing new to the app; what runs may finish within the time. Calls to the app are possible until the disposal.</summary>
    public Task StopAsync(TimeSpan drainTimeout) =>
        Task.WhenAll(Channel.StopAsync(drainTimeout), ConfigurationStores.StopAsync(drainTimeout), Outboxes.StopAsync(drainTimeout));

    public async ValueTask DisposeAsync()
    {
        await ConfigurationStores.StopAsync(TimeSpan.Zero);
        await Channel.DisposeAsync();
        await Outboxes.DisposeAsync();
        await Components.DisposeAsync();
        Tracing?.Dispose();
    }

    /// <summary>The app listens: it gets its deliveries, with probes as long as these succeed.</summary>
    private Task<IAsyncDisposable> OnAppUpAsync(CancellationToken cancellationToken)
    {
        // The token is cancelled when the app is gone.
        cancellationToken.Register(() => _ = ConfigurationStores.EndAllAsync(TimeSpan.Zero));
        return Instance.AppHealth is { } check
            ? Task.FromResult<IAsyncDisposable>(new HealthGate(
                Instance.AppId, check, Channel.ProbeAsync, StartIntakeAsync, Time, _loggers.CreateLogger<HealthGate>(), cancellationToken))
            : StartIntakeAsync(cancellationToken);
    }

    /// <summary>Asks the app what it wants and starts to deliver. The result stops the deliveries.</summary>
    private async Task<IAsyncDisposable> StartIntakeAsync(CancellationToken cancellationToken)
    {
        var logger = _loggers.CreateLogger<AppInstance>();
        var programmatic = await SubscriptionReader.ReadAsync(this, logger, cancellationToken);
        Subscriptions = [.. _declared, .. programmatic];
        var work = new Intake();
        try
        {
            await work.AddAsync(Hosting(cancellationToken));
            foreach (var subscription in Subscriptions)
            {
                await work.AddAsync(SubscriptionRunner.StartAsync(this, subscription, _loggers.CreateLogger<SubscriptionRunner>(), cancellationToken));
            }

            foreach (var binding in await Bindings.StartInputsAsync(logger, cancellationToken))
            {
                await work.AddAsync(Task.FromResult<IAsyncDisposable?>(binding));
            }

            _intake = work;
            return work;
        }
        catch
        {
            await work.DisposeAsync();
            throw;
        }
    }

    private sealed class Intake : IAsyncDisposable
    {
        private readonly List<IAsyncDisposable> _items = [];

        public async Task AddAsync(Task<IAsyncDisposable?> item)
        {
            if (await item is { } started)
            {
                _items.Add(started);
            }
        }

        public bool IsOver { get; private set; }

        public async ValueTask DisposeAsync()
        {
            IsOver = true;
            await Task.WhenAll(_items.Select(item => item.DisposeAsync().AsTask()));
        }
    }
}
