using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ServiceDefaults.GuardedFetch;
using TestKit;

namespace ServiceDefaults.Tests;

/// <summary>Pictures from addresses that users name, against real servers on loopback and a resolver of the test's.</summary>
public sealed partial class GuardedFetchTests : IAsyncLifetime
{
    private static readonly byte[] Png = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 1, 2, 3, 4, 5, 6, 7, 8];
    private static readonly IPAddress Public = IPAddress.Parse("1.1.1.1");

    private readonly ConcurrentQueue<(string Host, string[] Headers)> _requests = [];
    private readonly FakeResolver _resolver = new();
    private readonly ManualTimeProvider _time = new();
    private readonly WebApplication _server;
    private RequestDelegate _answer = http => http.Response.Body.WriteAsync(Png).AsTask();

    public GuardedFetchTests()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _server = builder.Build();
        _server.Run(http =>
        {
            _requests.Enqueue((http.Request.Host.Value!, [.. http.Request.Headers.Select(header => header.Key).Order(StringComparer.Ordinal)]));
            return _answer(http);
        });
    }

    private int Port => new Uri(_server.Urls.First()).Port;

    private string Url(string path = "/a.png") => $"http://pictures.test:{Port}{path}";

    public async ValueTask InitializeAsync()
    {
        await _server.StartAsync();
        _resolver.Answers["pictures.test"] = [[IPAddress.Loopback]];
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _server.StopAsync(now.Token);
        await _server.DisposeAsync();
    }

    /// <summary>In Development, where pictures.test may be loopback and plain http and the server's port are taken.</summary>
    private ServiceProvider Services(params (string Key, string Value)[] settings) => Services(Environments.Development, [
        ("LoopbackHosts:0", "pictures.test"), ("AllowHttp", "true"), ("Ports:0", $"{Port}"), ("Ports:1", "443"), ("Ports:2", "80"), .. settings]);

    private ServiceProvider Services(string environment, params (string Key, string Value)[] settings) => new ServiceCollection()
        .AddLogging()
        .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(
            settings.SelectMany(setting => new[] { GuardedFetchOptions.Section, GuardedPostOptions.Section }.Select(
                section => new KeyValuePair<string, string?>($"{section}:{setting.Key}", setting.Value)))).Build())
        .AddSingleton<IHostEnvironment>(new HostEnvironment(environment))
        .AddSingleton<IHostResolver>(_resolver)
        .AddSingleton<TimeProvider>(_time)
        .AddGuardedFetch()
        .AddGuardedPost()
        .BuildServiceProvider();

    private async Task<FetchResult> FetchAsync(string url, params (string Key, string Value)[] settings)
    {
        await using var services = Services(settings);
        return await services.GetRequiredService<GuardedFetchClient>().GetAsync(url, TestContext.Current.CancellationToken);
    }

    private async Task AssertRefusedAsync(string code, string url, params (string Key, string Value)[] settings)
    {
        var result = await FetchAsync(url, settings);

        Assert.Null(result.Content);
        Assert.Equal(code, result.Failure!.Code);
        Assert.Empty(_requests);
    }

    private async Task<FetchFailure> FailsAsync(params (string Key, string Value)[] settings) => (await FetchAsync(Url(), settings)).Failure!;

    private sealed class FakeResolver : IHostResolver
    {
        /// <summary>Answers per name, one after the other; the last one stays.</summary>
        public Dictionary<string, IPAddress[][]> Answers { get; } = new(StringComparer.Ordinal);

        public ConcurrentQueue<string> Asked { get; } = [];

        public Task<IPAddress[]>? Until { get; set; }

        public Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken)
        {
            Asked.Enqueue(host);
            if (Until is not null)
            {
                return Until.WaitAsync(cancellationToken);
            }

            return Answers.TryGetValue(host, out var answers)
                ? Task.FromResult(answers[Math.Min(Asked.Count(asked => asked == host), answers.Length) - 1])
                : Task.FromException<IPAddress[]>(new SocketException((int)SocketError.HostNotFound));
        }
    }

    private sealed class HostEnvironment(string name) : IHostEnvironment
    {
        public string EnvironmentName { get; set; } = name;

        public string ApplicationName { get; set; } = "test";

        public string ContentRootPath { get; set; } = AppContext.BaseDirectory;

        public Microsoft.Extensions.FileProviders.IFileProvider ContentRootFileProvider { get; set; } = new Microsoft.Extensions.FileProviders.NullFileProvider();
    }
}
