using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Google.Protobuf;
using Sidecar.Abstractions;
using Tandem.Protocol.Grpc;

namespace Dashboard;

/// <summary>The sidecars of the run, asked with the tokens of the run; those never leave this process.</summary>
internal sealed class Sidecars(RunFolder folder) : IDisposable
{
    /// <summary>The longest a page waits for a sidecar.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = Limit };
    private readonly ConcurrentDictionary<(int Port, string? Token), GrpcChannel> _channels = [];

    /// <summary>The metadata of a sidecar, or null when it does not answer.</summary>
    public async Task<JsonElement?> MetadataAsync(SidecarInstance instance, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await SendAsync(instance, "/v1.0/metadata", cancellationToken);
            return response.IsSuccessStatusCode ? await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken) : null;
        }
        catch (Exception exception) when (IsAway(exception, cancellationToken))
        {
            return null;
        }
    }

    /// <summary>Whether the sidecar says that it and its app are ready.</summary>
    public async Task<bool> IsReadyAsync(SidecarInstance instance, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await SendAsync(instance, "/v1.0/healthz", cancellationToken);
            return response.IsSuccessStatusCode;
        }
        catch (Exception exception) when (IsAway(exception, cancellationToken))
        {
            return false;
        }
    }

    /// <summary>Calls the workflow engine of an app. Throws <see cref="GrpcException"/>.</summary>
    public Task<TResponse> WorkflowsAsync<TRequest, TResponse>(
        SidecarInstance instance, string method, TRequest request, MessageParser<TResponse> parser, CancellationToken cancellationToken)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        // Ports and tokens change with each run; a channel that nothing uses any more holds no connection.
        var channel = _channels.GetOrAdd((instance.GrpcPort, instance.ApiToken), static key => new GrpcChannel(
            new Uri($"http://{IPAddress.Loopback}:{key.Port}"), new GrpcChannelOptions { Token = key.Token, MaxReceiveMessageBytes = null }));
        var options = new GrpcCallOptions { Deadline = TimeProvider.System.GetUtcNow() + Limit };
        return channel.UnaryAsync($"/TaskHubSidecarService/{method}", request, parser, options, cancellationToken);
    }

    /// <summary>The sidecar of the first instance of an app, or null.</summary>
    public SidecarInstance? Find(string appId) => folder.Instances().FirstOrDefault(instance => instance.AppId == appId);

    public void Dispose()
    {
        _http.Dispose();
        foreach (var channel in _channels.Values)
        {
            channel.Dispose();
        }
    }

    private Task<HttpResponseMessage> SendAsync(SidecarInstance instance, string path, CancellationToken cancellationToken)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, $"http://{IPAddress.Loopback}:{instance.HttpPort}{path}");
        request.Headers.TryAddWithoutValidation("dapr-api-token", instance.ApiToken);
        return _http.SendAsync(request, cancellationToken);
    }

    private static bool IsAway(Exception exception, CancellationToken cancellationToken) =>
        exception is HttpRequestException or JsonException or OperationCanceledException && !cancellationToken.IsCancellationRequested;
}
