using Ai.Providers;
using Dapr.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Sidecar.Testing;
using TestKit;

namespace Ai.Tests.Keys;

/// <summary>Keys from the configuration, the environment and the secret store of a real sidecar.</summary>
public sealed class ProviderKeyTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("openai", "OPENAI_API_KEY", "OPENAI_API_KEY=a")]
    [InlineData("anthropic", "ANTHROPIC_API_KEY", "ANTHROPIC_API_KEY=a")]
    [InlineData("gemini", "GEMINI_API_KEY", "GEMINI_API_KEY=a", "GOOGLE_API_KEY=b")]
    [InlineData("gemini", "GOOGLE_API_KEY", "GOOGLE_API_KEY=a")]
    [InlineData("second", "ANTHROPIC_API_KEY", "Ai:Providers:second:Kind=anthropic", "ANTHROPIC_API_KEY=a")]
    [InlineData("openai", "key 1", "Ai:Providers:openai:Keys:0:Value=a", "OPENAI_API_KEY=b")]
    public async Task Is_the_value_given_or_the_variable_of_the_kind(string provider, string name, params string[] settings)
    {
        await using var keys = new KeyHost(settings);

        var (all, reason) = await keys.OfAsync(provider);

        var key = Assert.Single(all);
        Assert.Equal((name, "a", null), (key.Name, key.Value, reason));
        Assert.Same(all, (await keys.OfAsync(provider)).Keys);
    }

    [Theory]
    [InlineData("local")]
    [InlineData("ollama", "Ai:Providers:ollama:BaseUrl=http://127.0.0.1:11434/v1", "OPENAI_API_KEY=not-for-this-server")]
    [InlineData("vertex", "Ai:Providers:vertex:Project=p")]
    public async Task Is_none_where_none_is_needed(string provider, params string[] settings)
    {
        await using var keys = new KeyHost(settings);

        var (all, reason) = await keys.OfAsync(provider);

        Assert.Null(Assert.Single(all).Value);
        Assert.Null(reason);
    }

    [Fact]
    public async Task Says_what_is_missing()
    {
        await using var keys = new KeyHost("Ai:Providers:anthropic:Kind=anthropic", "ANTHROPIC_API_KEY=");

        var (all, reason) = await keys.OfAsync("anthropic");

        Assert.Empty(all);
        Assert.Equal("no key: set ANTHROPIC_API_KEY or Ai:Providers:anthropic:Keys", reason);
    }

    [Fact]
    public async Task Is_never_written_anywhere()
    {
        await using var keys = new KeyHost("Ai:Providers:openai:Keys:0:Value=sk-hidden", "Ai:Providers:openai:Keys:1:Secret=s");

        var all = await keys.OfAsync("openai");

        Assert.DoesNotContain("sk-hidden", $"{all} {all.Keys[0]} {all.Reason} {string.Join(' ', keys.Log)}");
        Assert.Equal("key 1", all.Keys[0].ToString());
        Assert.Equal("secret 's' needs a sidecar, and this app has none", all.Reason);
    }

    [Fact]
    public async Task A_secret_that_is_changed_is_noticed_and_one_that_goes_away_is_kept()
    {
        await using var sidecar = await StartAsync(("first", "sk-1"), ("second", "sk-2"));
        await using var keys = new KeyHost(sidecar, "Ai:Providers:openai:Keys:0:Secret=first", "Ai:Providers:openai:Keys:1:Secret=second");
        Assert.Equal(["sk-1", "sk-2"], await keys.ValuesAsync("openai"));

        sidecar.Secrets["first"] = "sk-3";
        Assert.Equal(["sk-1", "sk-2"], await keys.ValuesAsync("openai"));
        keys.Clock.Advance(TimeSpan.FromMinutes(5));
        await keys.UntilAsync("openai", "sk-3", "sk-2");

        sidecar.Secrets.TryRemove("second", out _);
        keys.Clock.Advance(TimeSpan.FromMinutes(5));
        await keys.UntilAsync("openai", _ => keys.Log.Any(line => line.StartsWith("Provider openai: secret second of store secrets cannot be read", StringComparison.Ordinal)));
        Assert.Equal(["sk-3", "sk-2"], await keys.ValuesAsync("openai"));
        Assert.DoesNotContain(keys.Log, line => line.Contains("sk-", StringComparison.Ordinal));
        Assert.Contains("Provider openai: its keys have changed; it has 2", keys.Log);
    }

    [Fact]
    public async Task A_secret_that_was_missing_is_found_when_it_is_there()
    {
        await using var sidecar = await StartAsync();
        await using var keys = new KeyHost(sidecar, "Ai:Providers:openai:Keys:0:Secret=late", "OPENAI_API_KEY=of-another-account");

        var (all, reason) = await keys.OfAsync("openai");
        Assert.Empty(all);
        Assert.Equal("secret 'late' cannot be read from store 'secrets'", reason);

        sidecar.Secrets["late"] = " sk-1\n";
        keys.Clock.Advance(TimeSpan.FromSeconds(5));
        await keys.UntilAsync("openai", "sk-1");
    }

    [Fact]
    public async Task A_provider_that_refused_a_key_has_it_read_again_soon()
    {
        await using var sidecar = await StartAsync(("k", "sk-1"));
        await using var keys = new KeyHost(sidecar, "Ai:Providers:openai:Keys:0:Secret=k");
        Assert.Equal(["sk-1"], await keys.ValuesAsync("openai"));

        sidecar.Secrets["k"] = "sk-2";
        keys.Reader.Reread("openai");
        Assert.Equal(["sk-1"], await keys.ValuesAsync("openai"));
        keys.Clock.Advance(TimeSpan.FromSeconds(5));

        await keys.UntilAsync("openai", "sk-2");
    }

    [Fact]
    public async Task Credentials_are_a_secret_too()
    {
        await using var sidecar = await StartAsync(("google", """{"type":"service_account"}"""));
        await using var keys = new KeyHost(
            sidecar, "Ai:Providers:vertex:CredentialsSecret=google", "Ai:Providers:other:Kind=vertex", "Ai:Providers:other:CredentialsSecret=absent", "Ai:Providers:adc:Kind=vertex");

        Assert.Equal("""{"type":"service_account"}""", await keys.Reader.CredentialsOfAsync("vertex", Cancel));
        Assert.Null(await keys.Reader.CredentialsOfAsync("adc", Cancel));
        var failure = await Assert.ThrowsAsync<ModelException>(async () => await keys.Reader.CredentialsOfAsync("other", Cancel));
        Assert.Equal(ModelFailure.NoKey, failure.Failure);
        Assert.Equal("provider 'other' has no credentials: secret 'absent' cannot be read from store 'secrets'", failure.Message);
    }

    private static Task<SidecarHost> StartAsync(params (string Name, string Value)[] secrets) => SidecarHost.StartAsync(options =>
    {
        foreach (var (name, value) in secrets)
        {
            options.Secrets[name] = value;
        }
    }, Cancel);

    /// <summary>An app's model access with its own clock and log.</summary>
    private sealed class KeyHost : IAsyncDisposable, ILoggerProvider, ILogger
    {
        private readonly ServiceProvider _services;
        private readonly List<string> _log = [];

        public KeyHost(params string[] settings) : this(null, settings)
        {
        }

        public KeyHost(SidecarHost? sidecar, params string[] settings)
        {
            var services = new ServiceCollection()
                .AddLogging(logging => logging.AddProvider(this))
                .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(
                    settings.Select(setting => setting.Split('=', 2)).Select(pair => new KeyValuePair<string, string?>(pair[0], pair[1]))).Build())
                .AddSingleton<TimeProvider>(Clock)
                .AddModels();
            if (sidecar is not null)
            {
                services.AddSingleton(new DaprClientBuilder().UseHttpEndpoint(sidecar.HttpEndpoint).UseDaprApiToken(sidecar.ApiToken).Build());
            }

            _services = services.BuildServiceProvider();
        }

        public ManualTimeProvider Clock { get; } = new();

        public IProviderKeys Reader => _services.GetRequiredService<IProviderKeys>();

        public IReadOnlyList<string> Log
        {
            get
            {
                lock (_log)
                {
                    return [.. _log];
                }
            }
        }

        public ValueTask<ProviderKeys> OfAsync(string provider) => Reader.OfAsync(provider, Cancel);

        public async Task<IEnumerable<string?>> ValuesAsync(string provider) => (await OfAsync(provider)).Keys.Select(key => key.Value);

        public Task UntilAsync(string provider, params string[] values) => UntilAsync(provider, found => found.Keys.Select(key => key.Value).SequenceEqual(values));

        public async Task UntilAsync(string provider, Func<ProviderKeys, bool> condition)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
            limit.CancelAfter(TimeSpan.FromSeconds(30));
            while (!condition(await Reader.OfAsync(provider, limit.Token)))
            {
                await Task.Delay(5, limit.Token);
            }
        }

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Add(formatter(state, exception));

        public void Dispose()
        {
        }

        private void Add(string line)
        {
            lock (_log)
            {
                _log.Add(line);
            }
        }

        public ValueTask DisposeAsync() => _services.DisposeAsync();
    }
}
