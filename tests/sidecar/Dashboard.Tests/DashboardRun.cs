using System.Net.Http.Json;
using System.Text.Json;
using Dapr.Workflow;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;
using Sidecar.Api;

namespace Dashboard.Tests;

/// <summary>A sidecar with one app that runs workflows, the files that a launcher would have written of it, and a dashboard over them.</summary>
public sealed class DashboardRun : IAsyncLifetime
{
    public const string ApiToken = "the-token-of-the-run";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("dashboard");
    private readonly HttpClientHandler _cookies = new() { UseProxy = false, AllowAutoRedirect = false };
    private RunningSidecar _sidecar = null!;
    private IHost _worker = null!;
    private DashboardServer _dashboard = null!;

    public Uri Address => _dashboard.Address;

    /// <summary>A client that has opened the printed address.</summary>
    public HttpClient Client { get; private set; } = null!;

    public DaprWorkflowClient Workflows => _worker.Services.GetRequiredService<DaprWorkflowClient>();

    public string Logs => Path.Combine(_folder.FullName, "logs");

    public async ValueTask InitializeAsync()
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "components.yaml"), """
            apiVersion: dapr.io/v1alpha1
            kind: Component
            metadata: {name: statestore}
            spec:
              type: state.in-memory
              version: v1
              metadata: [{name: actorStateStore, value: "true"}]
            """);
        var run = new SidecarRun
        {
            DataDirectory = _folder.FullName,
            BaseDirectory = _folder.FullName,
            Instances = [new SidecarInstance { AppId = "orders", HttpPort = 0, GrpcPort = 0, ApiToken = ApiToken, ResourcesPaths = [_folder.FullName] }],
        };
        _sidecar = await SidecarServer.StartAsync(run, new SidecarServerOptions { Logging = logging => logging.ClearProviders() });
        await StartWorkerAsync(_sidecar.Instances[0]);
        WriteRun(run with { Instances = _sidecar.Instances });
        Directory.CreateDirectory(Logs);
        _dashboard = await DashboardServer.StartAsync(_folder.FullName, 0);
        Client = new HttpClient(_cookies) { BaseAddress = new Uri(Address.GetLeftPart(UriPartial.Authority)), Timeout = TimeSpan.FromMinutes(1) };
        using var opened = await Client.GetAsync(Address);
    }

    public async ValueTask DisposeAsync()
    {
        Client?.Dispose();
        _cookies.Dispose();
        await _dashboard.DisposeAsync();
        await _worker.StopAsync();
        _worker.Dispose();
        await _sidecar.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    public Task<JsonElement> GetAsync(string path) => Client.GetFromJsonAsync<JsonElement>(path);

    private async Task StartWorkerAsync(SidecarInstance sidecar)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection([new("DAPR_GRPC_ENDPOINT", $"http://127.0.0.1:{sidecar.GrpcPort}"), new("DAPR_API_TOKEN", ApiToken)]);
        builder.Services.AddDaprWorkflow(options =>
        {
            options.RegisterWorkflow<Ship>();
            options.RegisterActivity<Pack>();
        });
        _worker = builder.Build();
        await _worker.StartAsync();
    }

    private void WriteRun(SidecarRun run)
    {
        var files = Directory.CreateDirectory(Path.Combine(_folder.FullName, "run")).FullName;
        File.WriteAllBytes(Path.Combine(files, "sidecar.json"), JsonSerializer.SerializeToUtf8Bytes(run, SidecarRun.JsonOptions));
        File.WriteAllText(Path.Combine(files, "state.json"), $$"""
            {"launcher_pid": 1, "processes": [
              {"name": "sidecar", "pid": {{Environment.ProcessId}}, "log": "sidecar.log"},
              {"name": "orders#0", "app_id": "orders", "index": 0, "pid": {{Environment.ProcessId}}, "http_port": {{run.Instances[0].HttpPort}}, "log": "orders-0.log"}]}
            """);
    }

    public sealed class Ship : Workflow<string, string>
    {
        public override async Task<string> RunAsync(WorkflowContext context, string input) => await context.CallActivityAsync<string>(nameof(Pack), input);
    }

    public sealed class Pack : WorkflowActivity<string, string>
    {
        public override Task<string> RunAsync(WorkflowActivityContext context, string input) =>
            input == "glass" ? throw new InvalidOperationException("it broke") : Task.FromResult($"{input} in a box");
    }
}
