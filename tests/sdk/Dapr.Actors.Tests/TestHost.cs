using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Dapr.Actors.Client;
using Dapr.Actors.Runtime;
using Dapr.Client.Tests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Dapr.Actors.Tests;

/// <summary>An app with actors, and a recording sidecar that keeps state and passes calls of methods on to the app.</summary>
public sealed class TestHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpClient _http;

    private TestHost(WebApplication app, RecordingSidecar sidecar)
    {
        _app = app;
        Sidecar = sidecar;
        _http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
    }

    public RecordingSidecar Sidecar { get; }

    public Diary Diary => _app.Services.GetRequiredService<Diary>();

    public IActorProxyFactory Proxies => _app.Services.GetRequiredService<IActorProxyFactory>();

    public IServiceProvider Services => _app.Services;

    /// <summary>States as JSON, by <c>{type}/{id}/{key}</c>.</summary>
    public ConcurrentDictionary<string, string> States { get; } = [];

    public static async Task<TestHost> StartAsync(Action<ActorRuntimeOptions>? configure = null, ServiceLifetime lifetime = ServiceLifetime.Singleton)
    {
        var sidecar = await RecordingSidecar.StartAsync();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Configuration["DAPR_HTTP_ENDPOINT"] = sidecar.Address;
        builder.Configuration["DAPR_API_TOKEN"] = "t0ken";
        builder.Services.AddSingleton<Diary>();
        builder.Services.AddScoped<Companion>();
        builder.Services.AddActors(
            options =>
            {
                options.Actors.RegisterActor<Counter>();
                options.Actors.RegisterActor<Special>();
                options.Actors.RegisterActor<Plain>();
                configure?.Invoke(options);
            },
            lifetime);
        var app = builder.Build();
        app.Use(async (http, next) =>
        {
            try
            {
                await next(http);
            }
            catch (Exception exception)
            {
                // For whoever reads why a test failed.
                http.Response.StatusCode = 500;
                await http.Response.WriteAsync(exception.ToString());
            }
        });
        app.MapActorsHandlers();
        await app.StartAsync();
        var host = new TestHost(app, sidecar);
        sidecar.Answer = host.AnswerAsync;
        return host;
    }

    /// <summary>Calls the app as a sidecar does.</summary>
    public async Task<(int Status, string Body, string? ContentType)> SendAsync(
        HttpMethod method, string path, string? body = null, string? chain = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        }

        if (chain is not null)
        {
            request.Headers.Add("Dapr-Reentrancy-Id", chain);
        }

        using var response = await _http.SendAsync(request);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(), response.Content.Headers.ContentType?.MediaType);
    }

    public Task<(int Status, string Body, string? ContentType)> PutAsync(string path, string? body = null, string? chain = null) =>
        SendAsync(HttpMethod.Put, path, body, chain);

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _app.DisposeAsync();
        await Sidecar.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext http)
    {
        // /v1.0/actors/{type}/{id}/{kind}/{name}
        var parts = http.Request.Path.Value!.Split('/', StringSplitOptions.RemoveEmptyEntries);
        switch (parts[4])
        {
            case "method":
                await ForwardAsync(http, $"/actors/{parts[2]}/{parts[3]}/method/{parts[5]}");
                break;
            case "state" when http.Request.Method == "GET":
                // A write to an answer without a body, even of nothing, would break the connection.
                http.Response.StatusCode = 204;
                if (States.TryGetValue($"{parts[2]}/{parts[3]}/{parts[5]}", out var value))
                {
                    http.Response.StatusCode = 200;
                    await http.Response.WriteAsync(value);
                }

                break;
            case "state":
                Apply($"{parts[2]}/{parts[3]}/", JsonDocument.Parse(Sidecar.Requests.Last(request => request.Target == http.Request.Path.Value).Body).RootElement);
                http.Response.StatusCode = 204;
                break;
            default:
                http.Response.StatusCode = 204;
                break;
        }
    }

    private void Apply(string prefix, JsonElement operations)
    {
        foreach (var operation in operations.EnumerateArray())
        {
            var request = operation.GetProperty("request");
            var key = prefix + request.GetProperty("key").GetString();
            if (operation.GetProperty("operation").GetString() == "delete")
            {
                States.TryRemove(key, out _);
            }
            else
            {
                States[key] = request.GetProperty("value").GetRawText();
            }
        }
    }

    private async Task ForwardAsync(HttpContext http, string path)
    {
        var recorded = Sidecar.Requests.Last(request => request.Target == http.Request.Path.Value);
        using var request = new HttpRequestMessage(HttpMethod.Put, path) { Content = new ByteArrayContent(recorded.Bytes) };
        foreach (var name in new[] { "X-DaprRequestHeader", "Dapr-Reentrancy-Id" })
        {
            if (recorded.Headers.TryGetValue(name, out var value))
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }
        }

        using var response = await _http.SendAsync(request);
        http.Response.StatusCode = (int)response.StatusCode;
        if (response.Headers.TryGetValues("X-DaprErrorResponseHeader", out var error))
        {
            http.Response.Headers["X-DaprErrorResponseHeader"] = error.First();
        }

        await http.Response.Body.WriteAsync(await response.Content.ReadAsByteArrayAsync());
    }
}
