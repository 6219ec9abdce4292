using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Gateway.Tests;

/// <summary>What stands behind the gateway: a sidecar or an app's replica. Records requests and answers as the test says.</summary>
internal sealed class FakeServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FakeServer(WebApplication app) => _app = app;

    public string Url => _app.Urls.First();

    public ConcurrentQueue<Received> Requests { get; } = [];

    /// <summary>Answers a request; by default 200 with an empty body.</summary>
    public RequestDelegate Answer { get; set; } = context => Task.CompletedTask;

    /// <summary>Whether bodies are read and recorded before the answer.</summary>
    public bool RecordBodies { get; set; } = true;

    public static async Task<FakeServer> StartAsync(int port = 0)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
        var app = builder.Build();
        var server = new FakeServer(app);
        app.Run(async context =>
        {
            var body = new MemoryStream();
            if (server.RecordBodies)
            {
                await context.Request.Body.CopyToAsync(body);
            }

            server.Requests.Enqueue(new Received(
                context.Request.Method, context.Request.Path + context.Request.QueryString, new HeaderDictionary(context.Request.Headers.ToDictionary()),
                body.ToArray()));
            await server.Answer(context);
        });
        await app.StartAsync();
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }

    internal sealed record Received(string Method, string Path, IHeaderDictionary Headers, byte[] Body);
}
