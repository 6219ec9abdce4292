using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace ServiceDefaults.Tests;

/// <summary>A service with the defaults, on a free port.</summary>
public sealed class TestService : IAsyncDisposable
{
    public const string AppToken = "app-token-of-the-test";

    private TestService(WebApplication app)
    {
        App = app;
        Http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri(app.Urls.First()) };
    }

    public WebApplication App { get; }

    public HttpClient Http { get; }

    public static async Task<TestService> StartAsync(
        Action<WebApplication> map, Action<WebApplicationBuilder>? configure = null, string environment = "Production", params (string Key, string? Value)[] settings)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = environment, Args = [] });
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?> { ["APP_API_TOKEN"] = AppToken });
        builder.Configuration.AddInMemoryCollection(settings.ToDictionary(setting => setting.Key, setting => setting.Value));
        configure?.Invoke(builder);
        builder.AddServiceDefaults();
        // Quiet, but not off: without any logger requests have no trace.
        builder.Logging.AddFilter<ConsoleLoggerProvider>(level => level == LogLevel.Critical);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.MapDefaultEndpoints();
        map(app);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new TestService(app);
    }

    /// <summary>Sends; the headers of internal calls where given.</summary>
    public async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, HttpContent? content = null, string? token = null, string? caller = null, string? user = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        Add(request.Headers, "dapr-api-token", token);
        Add(request.Headers, "dapr-caller-app-id", caller);
        Add(request.Headers, UserIdentity.Header, user);
        return await Http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    private static void Add(HttpRequestHeaders headers, string name, string? value)
    {
        if (value is not null)
        {
            headers.Add(name, value);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await App.DisposeAsync();
    }
}
