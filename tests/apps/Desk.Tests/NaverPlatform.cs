using System.Diagnostics.Metrics;
using Contracts;
using Dapr.Client;
using Desk.Products;
using Desk.Products.Naver;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NaverServers;
using ServiceDefaults;
using Sidecar.Testing;

namespace Desk.Tests;

/// <summary>Products of desk, of any number of replicas, on a whole sidecar and against a server that speaks Naver's protocol.</summary>
internal sealed class NaverPlatform : IAsyncDisposable
{
    /// <summary>As long as the options allow: a clock that is real goes on while the machine has other things to do.</summary>
    private static readonly KeyValuePair<string, string?>[] Patience =
    [
        new($"{ProductOptions.Section}:Timeout", "00:05:00"), new($"{NaverOptions.Section}:Timeout", "00:01:00"), new($"{NaverOptions.Section}:CredentialsTimeout", "00:01:00"),
    ];

    private readonly NoonClock _clock = new();
    private readonly List<ServiceProvider> _replicas = [];
    private readonly SidecarApp _desk;

    private NaverPlatform(SidecarHost dapr, SidecarApp desk, NaverServer server) => (Dapr, _desk, Server) = (dapr, desk, server);

    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public SidecarHost Dapr { get; }

    public NaverServer Server { get; }

    /// <summary>Starts it with credentials in the secret store, unless they are not wanted.</summary>
    public static async Task<NaverPlatform> StartAsync(bool hasSecret = true, Action<SidecarHostOptions>? configure = null)
    {
        var server = await NaverServer.StartAsync();
        var dapr = await SidecarHost.StartAsync(options =>
        {
            options.DefaultComponents = true;
            if (hasSecret)
            {
                options.Secrets["naver-search"] = Secret(server);
            }

            configure?.Invoke(options);
        }, Cancel);
        return new NaverPlatform(dapr, await dapr.AddAppAsync(Apps.Desk, cancellationToken: Cancel), server);
    }

    /// <summary>The credentials as a store with one text per secret keeps them.</summary>
    public static string Secret(NaverServer server) => $$"""{"client-id":"{{server.Behaviour.ClientId}}","client-secret":"{{server.Behaviour.ClientSecret}}"}""";

    /// <summary>A replica; by default its clock goes on by itself, from noon, so that a test need not move it, and its limits are the longest unless the settings say otherwise.</summary>
    public Replica AddReplica(TimeProvider? time = null, string environment = "Production", params (string Key, string Value)[] settings) =>
        AddReplica(_desk.HttpEndpoint, time, environment, settings);

    /// <summary>A replica whose sidecar is away.</summary>
    public Replica AddLonely(TimeProvider time, string environment) => AddReplica("http://127.0.0.1:1", time, environment, []);

    private Replica AddReplica(string sidecar, TimeProvider? time, string environment, (string Key, string Value)[] settings)
    {
        var logs = new LogOf();
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder()
            .AddInMemoryCollection(
            [
                new($"{NaverOptions.Section}:Endpoint", Server.Address.ToString()), new($"{NaverOptions.Section}:RetryDelay", "00:00:00.010"), .. time is null ? Patience : [],
            ])
            .AddInMemoryCollection(settings.Select(setting => new KeyValuePair<string, string?>($"{ProductOptions.Section}:{setting.Key}", setting.Value)))
            .Build());
        services.AddSingleton<IHostEnvironment>(new Environment(environment));
        services.AddSingleton(time ?? _clock);
        services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Debug).AddProvider(logs));
        services.AddMetrics();
        services.AddSingleton(new DaprClientBuilder()
            .UseHttpEndpoint(sidecar).UseGrpcEndpoint(_desk.GrpcEndpoint).UseDaprApiToken(_desk.ApiToken).UseJsonSerializationOptions(TandemJson.Options).Build());
        services.AddProducts();
        var provider = services.BuildServiceProvider(new ServiceProviderOptions { ValidateOnBuild = true, ValidateScopes = true });
        _replicas.Add(provider);
        return new Replica(provider, logs);
    }

    /// <summary>Requests of a day that the replicas have set aside.</summary>
    public async Task<int?> CountedAsync(string day) => (await _desk.GetStateAsync<CallsOfDay>(Components.StateStore, $"naver-calls:{day}", TandemJson.Options, Cancel))?.Used;

    /// <summary>Lets time pass in small steps until something has ended, whenever it begins to wait.</summary>
    public static Task PassUntilAsync(VirtualClock clock, Task task) => UntilAsync(() =>
    {
        clock.Advance(TimeSpan.FromMilliseconds(2));
        return task.IsCompleted;
    });

    /// <summary>Waits for what another thread brings about.</summary>
    public static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        while (!condition())
        {
            await Task.Delay(5, limit.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in _replicas)
        {
            await replica.DisposeAsync();
        }

        await Server.DisposeAsync();
        await Dapr.DisposeAsync();
    }

    /// <summary>One process of desk.</summary>
    public sealed record Replica(IServiceProvider Services, LogOf Logs)
    {
        public NaverShoppingClient Naver => Services.GetRequiredService<NaverShoppingClient>();

        public ProductFinder Finder => Services.GetRequiredService<ProductFinder>();

        public ProductCatalogues Catalogues => Services.GetRequiredService<ProductCatalogues>();

        public DailyCalls Calls => Services.GetRequiredService<DailyCalls>();

        public NaverPolicy Policy => Services.GetRequiredService<NaverPolicy>();

        public Task<IReadOnlyList<Product>> SearchAsync(string query = "무선 마우스", int count = 10) => Naver.SearchAsync(query, count, Cancel);

        /// <summary>The failure of a search.</summary>
        public async Task<ProductSearchFailure> FailureAsync(string query = "무선 마우스") =>
            (await Assert.ThrowsAsync<ProductSearchException>(() => SearchAsync(query))).Failure;

        /// <summary>Sums what an instrument measures from now on, by its tags.</summary>
        public Metered Meter(string instrument) => new(Services.GetRequiredService<IMeterFactory>(), instrument);
    }

    /// <summary>What an instrument of a replica has measured.</summary>
    public sealed class Metered : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly Dictionary<string, double> _sums = [];

        public Metered(IMeterFactory meters, string name)
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == name && instrument.Meter.Scope == meters)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>((_, value, tags, _) => Add(value, tags));
            _listener.SetMeasurementEventCallback<double>((_, value, tags, _) => Set(value));
            _listener.Start();
        }

        public double this[string tags]
        {
            get
            {
                _listener.RecordObservableInstruments();
                lock (_sums)
                {
                    return _sums.GetValueOrDefault(tags);
                }
            }
        }

        public void Dispose() => _listener.Dispose();

        private void Add(long value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var key = string.Join(' ', tags.ToArray().Select(tag => tag.Value));
            lock (_sums)
            {
                _sums[key] = _sums.GetValueOrDefault(key) + value;
            }
        }

        private void Set(double value)
        {
            lock (_sums)
            {
                _sums[""] = value;
            }
        }
    }

    /// <summary>What a replica has logged.</summary>
    public sealed class LogOf : ILoggerProvider, ILogger
    {
        private readonly List<(LogLevel Level, int Id, string Text)> _lines = [];

        public IReadOnlyList<(LogLevel Level, int Id, string Text)> Lines
        {
            get
            {
                lock (_lines)
                {
                    return [.. _lines];
                }
            }
        }

        public int Count(int id) => Lines.Count(line => line.Id == id);

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_lines)
            {
                _lines.Add((logLevel, eventId.Id, $"{formatter(state, exception)} {exception}"));
            }
        }

        public void Dispose()
        {
        }
    }

    /// <summary>Begins at noon in Korea, far from the end of a day, and goes on as the real one.</summary>
    private sealed class NoonClock : TimeProvider
    {
        private readonly long _start = TimeProvider.System.GetTimestamp();

        public override DateTimeOffset GetUtcNow() => new DateTimeOffset(2026, 3, 1, 3, 0, 0, TimeSpan.Zero) + GetElapsedTime(_start);
    }

    private sealed class Environment(string name) : IHostEnvironment
    {
        public string EnvironmentName { get; set; } = name;

        public string ApplicationName { get; set; } = "Desk";

        public string ContentRootPath { get; set; } = AppContext.BaseDirectory;

        public IFileProvider ContentRootFileProvider { get; set; } = new NullFileProvider();
    }
}
