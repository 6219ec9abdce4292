using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gateway.Forwarding;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.OpenApi;

namespace Gateway.OpenApi;

/// <summary>The merged document: made when somebody asks for it, kept for a while. An app that is away is left out and named.</summary>
internal sealed partial class ApiDocument(
    IServiceProvider services, Upstream upstream, SidecarAddress sidecar, TimeProvider time, IOptions<GatewayOptions> gateway, IOptions<ApiDocumentOptions> options,
    ILogger<ApiDocument> logger) : IDisposable
{
    private readonly SemaphoreSlim _one = new(1, 1);
    private Made? _made;

    /// <summary>The document as JSON and its etag.</summary>
    public async Task<(byte[] Json, string ETag)> GetAsync(CancellationToken cancellationToken)
    {
        if (_made is { } made && time.GetUtcNow() < made.Until)
        {
            return (made.Json, made.ETag);
        }

        await _one.WaitAsync(cancellationToken);
        try
        {
            if (_made is not { } other || time.GetUtcNow() >= other.Until)
            {
                _made = other = await MakeAsync(cancellationToken);
            }

            return (other.Json, other.ETag);
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    private async Task<Made> MakeAsync(CancellationToken cancellationToken)
    {
        var apps = gateway.Value.Routes.Values.Select(route => route.App).Distinct().ToArray();
        var documents = await Task.WhenAll(apps.Select(app => FetchAsync(app, cancellationToken)));
        var merged = MergedDocument.Merge(
            await OwnDocument.GetAsync(services, cancellationToken), apps.Zip(documents).ToDictionary(pair => pair.First, pair => pair.Second), gateway.Value.Routes);
        var json = JsonSerializer.SerializeToUtf8Bytes(merged, TandemJson.Options);
        var isWhole = documents.All(document => document is not null);
        return new Made(
            json, $"\"{Convert.ToHexStringLower(SHA256.HashData(json))}\"", time.GetUtcNow() + (isWhole ? options.Value.Refresh : options.Value.RefreshMissing));
    }

    private async Task<JsonObject?> FetchAsync(string app, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(options.Value.Timeout);
        using var request = new HttpRequestMessage(HttpMethod.Get, sidecar.Invoke(app, "/openapi/v1.json"));
        sidecar.Authorize(request);
        try
        {
            using var response = await upstream.Client.SendAsync(request, timeout.Token);
            response.EnsureSuccessStatusCode();
            return await response.Content.ReadFromJsonAsync<JsonObject>(timeout.Token);
        }
        catch (Exception exception) when (exception is HttpRequestException or JsonException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            LogMissing(logger, app, exception.Message);
            return null;
        }
    }

    [LoggerMessage(1050, LogLevel.Warning, "{App} gave no OpenAPI document ({Reason}); it is left out for now")]
    private static partial void LogMissing(ILogger logger, string app, string reason);

    private sealed record Made(byte[] Json, string ETag, DateTimeOffset Until);
}
