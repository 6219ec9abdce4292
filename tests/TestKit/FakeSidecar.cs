using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace TestKit;

/// <summary>
/// The sidecar of one app under test, on a real port: state with etags and first-write, published events, locks that are always free, and
/// the other apps as the test plays them. Nothing is ever lost or repeated unless a hook does it.
/// </summary>
public sealed class FakeSidecar : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Lock _stateLock = new();
    private readonly Dictionary<string, (string Json, int Version)> _state = new(StringComparer.Ordinal);

    private FakeSidecar(WebApplication app) => _app = app;

    /// <summary>For DAPR_HTTP_ENDPOINT.</summary>
    public string Address => _app.Urls.First();

    /// <summary>What was published, in order.</summary>
    public ConcurrentQueue<(string Topic, string Json)> Published { get; } = [];

    /// <summary>Other apps: answers requests to <c>{app id}</c>, whose path is the callee's own.</summary>
    public ConcurrentDictionary<string, Func<HttpContext, string, Task>> Apps { get; } = new(StringComparer.Ordinal);

    /// <summary>What output bindings answer.</summary>
    public byte[] BindingAnswer { get; set; } = [];

    /// <summary>
    /// Runs before an operation (<c>read</c>, <c>bulk</c>, <c>write</c>, <c>publish</c>, <c>lock</c>, <c>binding</c> or an app id) takes effect. A status of 300 or more that it sets is
    /// the answer, and nothing happens.
    /// </summary>
    public Func<string, HttpContext, Task> Before { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>Runs after an operation took effect and before it is answered.</summary>
    public Func<string, HttpContext, Task> After { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>The stored JSON, null when there is none.</summary>
    public string? Stored(string key)
    {
        lock (_stateLock)
        {
            return _state.TryGetValue(key, out var value) ? value.Json : null;
        }
    }

    public static async Task<FakeSidecar> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var sidecar = new FakeSidecar(app);
        app.MapGet("/v1.0/state/{store}/{key}", (HttpContext http, string key) => sidecar.RunAsync("read", http, () => sidecar.ReadAsync(http, key)));
        app.MapPost("/v1.0/state/{store}/bulk", (HttpContext http) => sidecar.RunAsync("bulk", http, () => sidecar.ReadManyAsync(http)));
        app.MapPost("/v1.0/state/{store}", (HttpContext http) => sidecar.RunAsync("write", http, () => sidecar.WriteAsync(http)));
        app.MapPost("/v1.0/publish/{pubsub}/{topic}", (HttpContext http, string topic) => sidecar.RunAsync("publish", http, async () =>
        {
            sidecar.Published.Enqueue((topic, await new StreamReader(http.Request.Body).ReadToEndAsync()));
            http.Response.StatusCode = 204;
        }));
        app.MapPost("/v1.0/bindings/{name}", (HttpContext http) => sidecar.RunAsync(
            "binding", http, () => http.Response.Body.WriteAsync(sidecar.BindingAnswer).AsTask()));
        app.MapPost("/v1.0-alpha1/lock/{store}", (HttpContext http) => sidecar.RunAsync("lock", http, () => http.Response.WriteAsJsonAsync(new { success = true })));
        app.MapPost("/v1.0-alpha1/unlock/{store}", (HttpContext http) => http.Response.WriteAsJsonAsync(new { status = 0 }));
        app.Map("/v1.0/invoke/{appId}/method/{**path}", (HttpContext http, string appId, string path) =>
            sidecar.RunAsync(appId, http, () => sidecar.Apps[appId](http, $"/{path}")));
        await app.StartAsync();
        return sidecar;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task RunAsync(string operation, HttpContext http, Func<Task> effect)
    {
        await Before(operation, http);
        if (http.Response.StatusCode < 300)
        {
            http.Request.EnableBuffering();
            await effect();
            await After(operation, http);
        }
    }

    private async Task ReadAsync(HttpContext http, string key)
    {
        (string Json, int Version) value;
        lock (_stateLock)
        {
            if (!_state.TryGetValue(key, out value))
            {
                http.Response.StatusCode = 204;
                return;
            }
        }

        http.Response.Headers.ETag = value.Version.ToString("D");
        http.Response.ContentType = "application/json";
        await http.Response.WriteAsync(value.Json);
    }

    private async Task ReadManyAsync(HttpContext http)
    {
        var body = await JsonSerializer.DeserializeAsync<JsonElement>(http.Request.Body);
        lock (_stateLock)
        {
            var items = body.GetProperty("keys").EnumerateArray().Select(key => _state.TryGetValue(key.GetString()!, out var value)
                ? (object)new { key = key.GetString(), data = JsonElement.Parse(value.Json), etag = value.Version.ToString("D") }
                : new { key = key.GetString() }).ToArray();
            body = JsonSerializer.SerializeToElement(items);
        }

        await http.Response.WriteAsJsonAsync(body);
    }

    private async Task WriteAsync(HttpContext http)
    {
        var items = await JsonSerializer.DeserializeAsync<JsonElement>(http.Request.Body);
        lock (_stateLock)
        {
            foreach (var item in items.EnumerateArray())
            {
                var key = item.GetProperty("key").GetString()!;
                var exists = _state.TryGetValue(key, out var stored);
                var etag = item.TryGetProperty("etag", out var given) ? given.GetString() : null;
                var firstWrite = item.TryGetProperty("options", out var options)
                    && options.TryGetProperty("concurrency", out var concurrency) && concurrency.GetString() == "first-write";
                if (etag is null ? firstWrite && exists : !exists || stored.Version.ToString("D") != etag)
                {
                    http.Response.StatusCode = 409;
                    return;
                }

                _state[key] = (item.GetProperty("value").GetRawText(), stored.Version + 1);
            }
        }

        http.Response.StatusCode = 204;
    }
}
