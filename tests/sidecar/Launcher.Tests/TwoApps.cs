using System.Net.Http.Json;
using Launcher.Data;
using Launcher.Run;

namespace Launcher.Tests;

/// <summary>The sample <c>samples/two-apps</c>, with two instances of shipping; one run for all tests of a class.</summary>
public sealed class TwoApps : IAsyncLifetime
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = LaunchedRun.Patience };

    internal LaunchedRun Launched { get; } = new();

    internal RunState State => Launched.State;

    internal string[] RunArguments =>
        ["run", "-f", Path.Combine(Repository.Root, "samples", "two-apps"), "--data-dir", Launched.Data.Root, "--no-build", "--replicas", "shipping=2"];

    public async ValueTask InitializeAsync()
    {
        // A proxy that nobody answers at: what stays on this machine must not go through it.
        var environment = new Dictionary<string, string?>
        {
            ["http_proxy"] = "http://127.0.0.1:1",
            ["HTTP_PROXY"] = "http://127.0.0.1:1",
            ["NO_PROXY"] = null,
            ["no_proxy"] = null,
            ["DAPR_HTTP_ENDPOINT"] = "http://127.0.0.1:1",
        };
        Launched.StartVerb(environment, RunArguments);
        await Launched.SeesAsync("ready: 3 apps");
    }

    public async ValueTask DisposeAsync()
    {
        await Launched.DisposeAsync();
        _http.Dispose();
    }

    internal RunProcess Process(string name) => State.Processes.Single(process => process.Name == name);

    /// <summary>Returns when the order was accepted; until then it is sent again, as a client does while a sidecar restarts.</summary>
    internal async Task OrderAsync(string id)
    {
        using var patience = new CancellationTokenSource(LaunchedRun.Patience);
        while (true)
        {
            using var response = await _http.PutAsJsonAsync(Address($"/orders/{id}"), new { item = "lamp" });
            if (response.IsSuccessStatusCode)
            {
                return;
            }

            Assert.False(patience.IsCancellationRequested, $"order {id} is not accepted: {response.StatusCode}\n{Launched.Output}");
            await Task.Delay(TimeSpan.FromMilliseconds(50), CancellationToken.None);
        }
    }

    /// <summary>The shipment of an order, asked of orders, which asks shipping.</summary>
    internal async Task<Shipment?> ShipmentAsync(string id)
    {
        using var response = await _http.GetAsync(Address($"/orders/{id}"));
        return response.IsSuccessStatusCode ? await response.Content.ReadFromJsonAsync<Shipment>() : null;
    }

    private string Address(string path) => $"http://127.0.0.1:{Process("orders#0").AppPort}{path}";

    internal sealed record Shipment(string Id, string Item, int AnsweredBy);
}
