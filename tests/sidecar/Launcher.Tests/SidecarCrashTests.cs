using System.Net.Http.Json;
using System.Text.Json;
using System.Threading.Channels;
using LocalServers.Processes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;

namespace Launcher.Tests;

public sealed class SidecarCrashTests
{
    private const string PubSub =
        """
        apiVersion: dapr.io/v1alpha1
        kind: Component
        metadata: {name: pubsub}
        spec:
          type: pubsub.tandem
          version: v1
          metadata:
            - {name: redeliverInterval, value: 1s}
        """;

    [Fact]
    public async Task Killed_sidecar_returns_on_its_ports_and_delivers_what_was_published()
    {
        var delivered = Channel.CreateUnbounded<string>();
        var refuse = true;
        var refused = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await StartAppAsync(text =>
        {
            if (Volatile.Read(ref refuse))
            {
                refused.TrySetResult();
                return Results.StatusCode(503);
            }

            delivered.Writer.TryWrite(text);
            return Results.Ok();
        });
        await using var run = new LaunchedRun();
        run.Template(
            $"appID: till, appPort: {new Uri(app.Urls.First()).Port}, resourcesPaths: [../parts]",
            LaunchedRun.Shell("idle", "exec sleep 1000", "resourcesPaths: [../parts],"));
        Directory.CreateDirectory(Path.Combine(run.Folder, "parts"));
        await File.WriteAllTextAsync(Path.Combine(run.Folder, "parts", "pubsub.yaml"), PubSub);
        run.Start();
        await run.SeesAsync("ready: 1 apps");
        var endpoint = JsonSerializer.Deserialize<SidecarRun>(await File.ReadAllBytesAsync(run.Data.SidecarRun), SidecarRun.JsonOptions)!.Instances[0];
        var idle = run.PidOf("idle#0");
        var sidecar = run.PidOf("sidecar");

        await PublishAsync(endpoint, "before");
        await refused.Task.WaitAsync(LaunchedRun.Patience);
        Libc.Signal(sidecar, Libc.SigKill);
        await run.SeesAsync("sidecar starts again in 0.5 s");
        Volatile.Write(ref refuse, false);

        Assert.Equal("before", await NextAsync(delivered));
        await PublishAsync(endpoint, "after");
        Assert.Equal("after", await NextAsync(delivered));
        Assert.Contains("killed by signal 9 (KILL)", run.Output, StringComparison.Ordinal);
        Assert.Equal(idle, run.PidOf("idle#0"));
        Assert.NotEqual(sidecar, run.PidOf("sidecar"));
    }

    /// <summary>The app under the Dapr endpoint is this process: a template app without a command.</summary>
    private static async Task<WebApplication> StartAppAsync(Func<string, IResult> handle)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.MapGet("/dapr/subscribe", () => Results.Text("""[{"pubsubname":"pubsub","topic":"sales","route":"/sales"}]""", "application/json"));
        app.MapPost("/sales", async (HttpRequest request) =>
        {
            using var envelope = await JsonDocument.ParseAsync(request.Body);
            return handle(envelope.RootElement.GetProperty("data").GetString()!);
        });
        await app.StartAsync();
        return app;
    }

    private static async Task PublishAsync(SidecarInstance endpoint, string text)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        http.DefaultRequestHeaders.Add("dapr-api-token", endpoint.ApiToken);
        using var response = await http.PostAsJsonAsync($"http://127.0.0.1:{endpoint.HttpPort}/v1.0/publish/pubsub/sales", text);
        response.EnsureSuccessStatusCode();
    }

    private static async Task<string> NextAsync(Channel<string> channel) => await channel.Reader.ReadAsync().AsTask().WaitAsync(LaunchedRun.Patience);
}
