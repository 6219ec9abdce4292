using System.Diagnostics;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Load.Sidecars;

/// <summary>
/// The app of the sidecar's benchmarks, a process of its own: <c>/hello</c> answers a few bytes, <c>/proxy</c> fetches them from another
/// address as the simplest proxy would, <c>/discard</c> throws away what is put there, <c>/message</c> takes the messages of topic <c>load</c>, and <c>/received</c>
/// says how many. It hosts actors of type <c>Load</c> that do nothing.
/// </summary>
internal static class LoadApp
{
    private static readonly byte[] Hello = [.. "{\"hello\":\"world\"}"u8];

    public static async Task<int> RunAsync(int port, string? behind, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        var app = builder.Build();
        var received = 0L;
        app.MapMethods("/hello", ["GET", "POST"], AnswerAsync);
        // In place of a gateway's sidecar: an app that answers at once, and a store in which nothing was revoked.
        app.MapGet("/v1.0/invoke/load/method/hello", AnswerAsync);
        app.MapPost("/v1.0/state/revocations/bulk", () => Results.Json(Array.Empty<object>()));
        app.MapGet("/dapr/subscribe", () => Results.Json(new[] { new { pubsubname = "memory", topic = "load", route = "/message" } }));
        app.MapPost("/message", async http =>
        {
            await http.Request.Body.CopyToAsync(Stream.Null, http.RequestAborted);
            Interlocked.Increment(ref received);
        });
        app.MapPut("/discard", http =>
        {
            http.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = null;
            return http.Request.Body.CopyToAsync(Stream.Null, 256 * 1024, http.RequestAborted);
        });
        app.MapGet("/dapr/config", () => Results.Json(new { entities = new[] { "Load" } }));
        app.MapPut("/actors/Load/{id}/method/{method}", () => Results.Ok());
        app.MapDelete("/actors/Load/{id}", () => Results.Ok());
        app.MapGet("/received", () => Interlocked.Read(ref received).ToString(CultureInfo.InvariantCulture));
        using var client = new HttpMessageInvoker(new SocketsHttpHandler { UseProxy = false, ActivityHeadersPropagator = null });
        app.MapGet("/proxy", http => ProxyAsync(client, new Uri(behind!), http));
        await ((IHost)app).RunAsync(cancellationToken);
        return 0;
    }

    private static async Task AnswerAsync(HttpContext http)
    {
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = Hello.Length;
        await http.Response.Body.WriteAsync(Hello, http.RequestAborted);
    }

    private static async Task ProxyAsync(HttpMessageInvoker client, Uri behind, HttpContext http)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, behind);
        using var response = await client.SendAsync(request, http.RequestAborted);
        http.Response.StatusCode = (int)response.StatusCode;
        http.Response.ContentType = response.Content.Headers.ContentType?.ToString();
        http.Response.ContentLength = response.Content.Headers.ContentLength;
        await response.Content.CopyToAsync(http.Response.Body, http.RequestAborted);
    }
}

/// <summary>A process that the benchmark has started; it ends with the benchmark.</summary>
internal sealed class Child : IDisposable
{
    private readonly Process _process;

    private Child(Process process) => _process = process;

    /// <summary>Resident memory.</summary>
    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>Largest resident memory since its start or <see cref="ForgetPeak"/>; of the kernel (VmHWM), so that no peak is missed.</summary>
    public long PeakBytes
    {
        get
        {
            var line = File.ReadLines($"/proc/{_process.Id}/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
            return 1024 * long.Parse(line.AsSpan("VmHWM:".Length, line.Length - "VmHWM:".Length - " kB".Length), NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture);
        }
    }

    /// <summary>The peak counts from now on.</summary>
    public void ForgetPeak() => File.WriteAllText($"/proc/{_process.Id}/clear_refs", "5");

    /// <summary>Processor time so far.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Starts a program of this repository's output, in the configuration of this one.</summary>
    public static Child Start(string project, params string[] arguments) => Start(project, [], arguments);

    /// <summary>Likewise, with settings.</summary>
    public static Child Start(string project, Dictionary<string, string> environment, params string[] arguments)
    {
        var own = new DirectoryInfo(AppContext.BaseDirectory);
        var program = Path.Combine(own.Parent!.Parent!.FullName, project, own.Name, project + ".dll");
        if (!File.Exists(program))
        {
            throw new FileNotFoundException($"build {project} in configuration {own.Name} first");
        }

        var start = new ProcessStartInfo("dotnet", [program, .. arguments]);

        // As the launcher starts them.
        start.Environment["DOTNET_ThreadPool_UnfairSemaphoreSpinLimit"] = "0";
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return new Child(Process.Start(start)!);
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
