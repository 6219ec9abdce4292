using System.Collections.Concurrent;
using System.Text;
using LocalServers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Sidecar.Actors.Tests;

/// <summary>A call that an app got: <c>add</c>, <c>remind/NAME</c>, <c>timer/NAME</c>.</summary>
public sealed record AppCall(string Type, string Id, string Method, string Body, HttpContext Http);

/// <summary>An app with actors that speaks the protocol by hand; it can be killed and started again on its port.</summary>
public sealed class ActorApp(string config, Func<AppCall, Task<IResult>> onCall) : IAsyncDisposable
{
    private WebApplication? _app;

    public bool IsRunning => _app is not null;

    public int Port { get; } = FreePort.Next();

    /// <summary>What the app answers to <c>GET /dapr/config</c>.</summary>
    public string Config { get; set; } = config;

    /// <summary>Every request but for the configuration, e.g. <c>PUT Counter/1/add</c> or <c>DELETE Counter/1</c>.</summary>
    public ConcurrentQueue<string> Requests { get; } = [];

    /// <summary>Runs when the app is told to deactivate an actor.</summary>
    public Func<string, string, Task> OnDeactivate { get; set; } = (_, _) => Task.CompletedTask;

    public async Task StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{Port}");
        _app = builder.Build();
        _app.MapGet("/dapr/config", () => Results.Text(Config, "application/json"));
        _app.MapPut("/actors/{type}/{id}/method/{**method}", async (HttpContext http, string type, string id, string method) =>
        {
            using var reader = new StreamReader(http.Request.Body, Encoding.UTF8);
            var body = await reader.ReadToEndAsync();
            Requests.Enqueue($"PUT {type}/{id}/{method}");
            return await onCall(new AppCall(type, id, method, body, http));
        });
        _app.MapDelete("/actors/{type}/{id}", async (string type, string id) =>
        {
            await OnDeactivate(type, id);
            Requests.Enqueue($"DELETE {type}/{id}");
        });
        await _app.StartAsync();
    }

    /// <summary>Ends the app as a crash does: connections break at once.</summary>
    public async Task KillAsync()
    {
        if (Interlocked.Exchange(ref _app, null) is { } app)
        {
            await app.StopAsync(new CancellationToken(canceled: true)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await app.DisposeAsync();
        }
    }

    public async ValueTask DisposeAsync() => await KillAsync();
}
