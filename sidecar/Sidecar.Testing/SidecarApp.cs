using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;
using Sidecar.Runtime;
using Sidecar.Testing.Components;

namespace Sidecar.Testing;

/// <summary>One app instance of a <see cref="SidecarHost"/>: its Dapr endpoints and, where the host started it, the app.</summary>
public sealed class SidecarApp
{
    private readonly SidecarHost _host;
    private readonly ReservedPort? _reserved;
    private readonly ReservedPort?[] _daprPorts;

    internal SidecarApp(SidecarHost host, AppInstance instance, ReservedPort? reserved, ReservedPort?[] daprPorts) =>
        (_host, Instance, _reserved, _daprPorts) = (host, instance, reserved, daprPorts);

    /// <summary>App id.</summary>
    public string AppId => Instance.Instance.AppId;

    /// <summary>0-based replica number.</summary>
    public int Index => Instance.Instance.Index;

    /// <summary>Port on which the sidecar looks for the app; null for an app without a server. It is kept free for the app.</summary>
    public int? AppPort => Instance.Instance.AppPort;

    /// <summary>Port of the Dapr HTTP API.</summary>
    public int HttpPort => Instance.Instance.HttpPort;

    /// <summary>Port of the Dapr gRPC API.</summary>
    public int GrpcPort => Instance.Instance.GrpcPort;

    /// <summary>Address of the Dapr HTTP API, for <c>DaprClientBuilder.UseHttpEndpoint</c>.</summary>
    public string HttpEndpoint => $"http://127.0.0.1:{HttpPort}";

    /// <summary>Address of the Dapr gRPC API, for <c>DaprClientBuilder.UseGrpcEndpoint</c>.</summary>
    public string GrpcEndpoint => $"http://127.0.0.1:{GrpcPort}";

    /// <summary>The token that the sidecar asks for (<c>dapr-api-token</c>); empty without <see cref="SidecarHostOptions.UseTokens"/>.</summary>
    public string ApiToken => Instance.Instance.ApiToken ?? "";

    /// <summary>The token that the sidecar sends to the app; empty without <see cref="SidecarHostOptions.UseTokens"/>.</summary>
    public string AppToken => Instance.Instance.AppToken ?? "";

    /// <summary>Whether the app listens and its subscriptions have begun.</summary>
    public bool IsReady => Instance.IsServing;

    /// <summary>Services of the app, where the host started it.</summary>
    public IServiceProvider Services => Running?.Services ?? throw new InvalidOperationException($"the host has not started {AppId}, or it is stopped");

    /// <summary>
    /// What the launcher would put into the environment of the app: ports, endpoints and tokens. Also the settings for an app in this
    /// process, whose environment is that of the test.
    /// </summary>
    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string?>
    {
        ["APP_ID"] = AppId,
        ["APP_PORT"] = AppPort?.ToString(CultureInfo.InvariantCulture),
        ["DAPR_HTTP_PORT"] = HttpPort.ToString(CultureInfo.InvariantCulture),
        ["DAPR_GRPC_PORT"] = GrpcPort.ToString(CultureInfo.InvariantCulture),
        ["DAPR_HTTP_ENDPOINT"] = HttpEndpoint,
        ["DAPR_GRPC_ENDPOINT"] = GrpcEndpoint,
        ["DAPR_API_TOKEN"] = ApiToken,
        ["APP_API_TOKEN"] = AppToken,
    }.Where(variable => !string.IsNullOrEmpty(variable.Value)).ToDictionary(variable => variable.Key, variable => variable.Value!);

    internal AppInstance Instance { get; set; }

    internal ILoggerProvider Logger => _host.Logs.For(AppId);

    internal bool IsWatched { get; private set; }

    internal WebApplication? Running { get; set; }

    internal Func<SidecarApp, CancellationToken, Task<WebApplication>>? Starter { get; set; }

    /// <summary>A client of the app's Dapr HTTP API, with the token.</summary>
    public HttpClient CreateClient() => CreateClient(HttpEndpoint);

    /// <summary>A client whose requests go to another app, as this app's invocations: <c>GetAsync("orders/42")</c>.</summary>
    public HttpClient CreateInvokeClient(string appId) => CreateClient($"{HttpEndpoint}/v1.0/invoke/{appId}/method/");

    /// <summary>Publishes a JSON payload as this app.</summary>
    public async Task PublishAsync<T>(string pubsub, string topic, T payload, JsonSerializerOptions? options = null, CancellationToken cancellationToken = default)
    {
        using var client = CreateClient();
        using var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(payload, options ?? JsonSerializerOptions.Web));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var response = await client.PostAsync($"v1.0/publish/{pubsub}/{topic}", content, cancellationToken);
        await CheckAsync(response, cancellationToken);
    }

    /// <summary>Reads a value of this app's state; the default when the key is absent.</summary>
    public async Task<T?> GetStateAsync<T>(string store, string key, JsonSerializerOptions? options = null, CancellationToken cancellationToken = default)
    {
        using var client = CreateClient();
        using var response = await client.GetAsync($"v1.0/state/{store}/{Uri.EscapeDataString(key)}", cancellationToken);
        await CheckAsync(response, cancellationToken);
        return response.StatusCode == System.Net.HttpStatusCode.NoContent
            ? default
            : await response.Content.ReadFromJsonAsync<T>(options ?? JsonSerializerOptions.Web, cancellationToken);
    }

    /// <summary>Saves a value in this app's state.</summary>
    public async Task SaveStateAsync<T>(string store, string key, T value, JsonSerializerOptions? options = null, CancellationToken cancellationToken = default)
    {
        using var client = CreateClient();
        using var response = await client.PostAsJsonAsync(
            $"v1.0/state/{store}", new[] { new { key, value = JsonSerializer.SerializeToElement(value, options ?? JsonSerializerOptions.Web) } }, cancellationToken);
        await CheckAsync(response, cancellationToken);
    }

    /// <summary>Waits until the app listens and its subscriptions have begun.</summary>
    public async Task ReadyAsync(TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        Watch();
        await _host.PollAsync(() => IsReady, () => $"app {AppId} on port {AppPort} did not become ready; is it listening on 127.0.0.1?", timeout, cancellationToken);
    }

    /// <summary>Waits until so many workflow workers of the app are connected.</summary>
    public Task WorkerReadyAsync(int workers = 1, TimeSpan? timeout = null, CancellationToken cancellationToken = default) => _host.PollAsync(
        () => _host.WorkersOf(this) >= workers, () => $"{_host.WorkersOf(this)} workflow workers of {AppId} are connected, not {workers}", timeout, cancellationToken);

    /// <summary>
    /// Breaks the connections that the app has to its sidecar, as a network that fails: requests end without an answer, and a workflow
    /// worker loses its stream with the work it holds.
    /// </summary>
    public void BreakConnections() => _host.BreakConnections(this);

    /// <summary>Stops an app that the host started; what its handlers do may end first.</summary>
    public Task StopAsync() => StopAsync(isKill: false);

    /// <summary>
    /// Ends an app that the host started as hard as that is possible within a process: its connections to the sidecar break, and nothing waits for
    /// its handlers.
    /// </summary>
    public Task KillAsync() => StopAsync(isKill: true);

    /// <summary>Starts the app again, on the same port, after <see cref="StopAsync()"/> or <see cref="KillAsync"/>.</summary>
    public async Task StartAgainAsync(CancellationToken cancellationToken = default)
    {
        Running = await (Starter ?? throw new InvalidOperationException($"the host has not started {AppId}"))(this, cancellationToken);
        await ReadyAsync(cancellationToken: cancellationToken);
    }

    internal void Watch()
    {
        if (!IsWatched)
        {
            IsWatched = true;
            _host.Watch(Instance);
        }
    }

    /// <summary>The sidecar has restarted: this is the app's new instance.</summary>
    internal void Rejoin(AppInstance instance)
    {
        Instance = instance;
        if (IsWatched)
        {
            _host.Watch(instance);
        }
    }

    internal ReservedPort Port => _reserved ?? throw new InvalidOperationException($"the port of {AppId} was given to AddAppAsync, so its server is started elsewhere");

    internal async ValueTask EndAsync()
    {
        Array.ForEach([_reserved, .. _daprPorts], port => port?.Dispose());
        if (Running is { } running)
        {
            Running = null;
            await running.DisposeAsync();
        }
    }

    private async Task StopAsync(bool isKill)
    {
        var running = Running ?? throw new InvalidOperationException($"the host has not started {AppId}, or it is stopped");
        Running = null;
        using var patience = new CancellationTokenSource(isKill ? TimeSpan.Zero : _host.Patience);
        if (isKill)
        {
            BreakConnections();
        }

        try
        {
            await running.StopAsync(patience.Token);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            // As was wanted.
        }

        await running.DisposeAsync();
        await _host.PollAsync(() => !Instance.Channel.IsUp, () => $"the sidecar did not see that app {AppId} has gone", null, CancellationToken.None);
    }

    private HttpClient CreateClient(string address)
    {
        var handler = new ObservedClientHandler(_host.ClientCalls, new SocketsHttpHandler { UseProxy = false, UseCookies = false });
        var client = new HttpClient(handler) { BaseAddress = new Uri(address), Timeout = _host.Patience };
        if (ApiToken.Length > 0)
        {
            client.DefaultRequestHeaders.Add("dapr-api-token", ApiToken);
        }

        return client;
    }

    private static async Task CheckAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (!response.IsSuccessStatusCode)
        {
            throw new HttpRequestException(
                $"{(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(cancellationToken)}", null, response.StatusCode);
        }
    }
}
