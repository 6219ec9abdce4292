using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;
using Sidecar.Api;
using TestKit;

namespace Dapr.Client.Tests;

/// <summary>A sidecar of this build with components in memory, over real sockets: state <c>store</c>, pub/sub <c>bus</c>.</summary>
public sealed class LocalSidecar : IAsyncDisposable
{
    public const string Token = "sidecar-token";
    public const string AppToken = "app-token";

    private readonly TempDirectory _folder = new();
    private WebApplication? _app;
    private RunningSidecar _sidecar = null!;

    public DaprClient Client { get; private set; } = null!;

    public string Address => $"http://127.0.0.1:{_sidecar.Instances[0].HttpPort}";

    /// <summary>Starts the sidecar, and the app when there is one; returns when the app's subscriptions are open.</summary>
    public static async Task<LocalSidecar> StartAsync(Action<WebApplication>? map = null, string stateStore = "store")
    {
        var local = new LocalSidecar();
        local.Component(stateStore, "state.in-memory");
        local.Component("bus", "pubsub.in-memory");
        int? port = null;
        if (map is not null)
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            local._app = builder.Build();
            map(local._app);
            await local._app.StartAsync();
            port = new Uri(local._app.Urls.First()).Port;
        }

        local._sidecar = await SidecarServer.StartAsync(
            new SidecarRun
            {
                DataDirectory = Path.Combine(local._folder.Path, "data"),
                BaseDirectory = local._folder.Path,
                Instances =
                [
                    new SidecarInstance
                    {
                        AppId = "app", Index = 0, AppPort = port, HttpPort = 0, GrpcPort = 0, ApiToken = Token, AppToken = AppToken,
                        ResourcesPaths = [local._folder.Path],
                    },
                ],
            },
            new SidecarServerOptions { Logging = logging => logging.ClearProviders() });
        local.Client = new DaprClientBuilder()
            .UseHttpEndpoint(local.Address).UseDaprApiToken(Token).Build();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (map is not null && local._sidecar.Apps[0].Subscriptions.Count == 0)
        {
            await Task.Delay(10, limit.Token);
        }

        return local;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _sidecar.DisposeAsync();
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }

        _folder.Dispose();
    }

    private void Component(string name, string type) => File.WriteAllText(
        Path.Combine(_folder.Path, $"{name}.yaml"),
        $"apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {{name: {name}}}\nspec:\n  type: {type}\n  version: v1\n  metadata: []\n");
}
